/* synth_lexicon.c - word tables. Korean deeds stop before the ending of the past tense, which the level of speech adds. */
#include "text/corpus/synth_lexicon.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

const SynthName synth_names[] = {
    {"민준", "Minjun", false, AGE_CHILD, false}, {"서연", "Seoyeon", true, AGE_CHILD, false}, {"지호", "Jiho", false, AGE_CHILD, false},
    {"하은", "Haeun", true, AGE_CHILD, false}, {"도윤", "Doyun", false, AGE_CHILD, false}, {"수아", "Sua", true, AGE_CHILD, false},
    {"예준", "Yejun", false, AGE_CHILD, false}, {"지아", "Jia", true, AGE_CHILD, false}, {"현우", "Hyeonu", false, AGE_CHILD, false},
    {"윤서", "Yunseo", true, AGE_CHILD, false}, {"태오", "Taeo", false, AGE_CHILD, false}, {"다인", "Dain", true, AGE_CHILD, false},
    {"준영", "Junyeong", false, AGE_CHILD, false}, {"나은", "Naeun", true, AGE_CHILD, false}, {"시후", "Sihu", false, AGE_CHILD, false},
    {"가을", "Gaeul", true, AGE_CHILD, false}, {"한결", "Hangyeol", false, AGE_CHILD, false}, {"보라", "Bora", true, AGE_CHILD, false},
    {"톰", "Tom", false, AGE_CHILD, false}, {"안나", "Anna", true, AGE_CHILD, false}, {"벤", "Ben", false, AGE_CHILD, false},
    {"소피", "Sophie", true, AGE_CHILD, false}, {"레오", "Leo", false, AGE_CHILD, false}, {"엠마", "Emma", true, AGE_CHILD, false},
    {"성민", "Seongmin", false, AGE_ADULT, false}, {"유진", "Yujin", true, AGE_ADULT, false}, {"재석", "Jaeseok", false, AGE_ADULT, false},
    {"미경", "Migyeong", true, AGE_ADULT, false}, {"동훈", "Donghun", false, AGE_ADULT, false}, {"은주", "Eunju", true, AGE_ADULT, false},
    {"마크", "Mark", false, AGE_ADULT, false}, {"루시", "Lucy", true, AGE_ADULT, false},
    {"할머니", "Grandmother", true, AGE_ELDER, true}, {"할아버지", "Grandfather", false, AGE_ELDER, true},
    {"김 선생님", "Mr. Kim", false, AGE_ELDER, true}, {"이 선생님", "Ms. Lee", true, AGE_ELDER, true},
    {"박 의사 선생님", "Doctor Park", true, AGE_ELDER, true}, {"최 할아버지", "Old Mr. Choi", false, AGE_ELDER, true},
    {"정 할머니", "Old Mrs. Jeong", true, AGE_ELDER, true}, {"교장 선생님", "the headmaster", false, AGE_ELDER, true},
};
const int n_synth_names = COUNT(synth_names);

const SynthPlace synth_places[] = {
    {"부엌", "the kitchen", "in", 0, true, {{"설거지를 {했/하셨}", "washed the dishes"}, {"물을 한 잔 {마셨/드셨}", "drank a glass of water"}, {"국을 {끓였/끓이셨}", "made some soup"}}},
    {"거실", "the living room", "in", 0, true, {{"소파에 {앉았/앉으셨}", "sat down on the sofa"}, {"라디오를 {들었/들으셨}", "listened to the radio"}, {"잠깐 {졸았/조셨}", "dozed off for a moment"}}},
    {"침실", "the bedroom", "in", 0, true, {{"이불을 {갰/개셨}", "folded the blankets"}, {"창문을 {열었/여셨}", "opened the window"}, {"거울을 {보았/보셨}", "looked in the mirror"}}},
    {"다락방", "the attic", "in", 0, true, {{"먼지를 {털었/터셨}", "dusted the old furniture"}, {"작은 창문으로 하늘을 {보았/보셨}", "looked at the sky through the small window"}, {"재채기를 {했/하셨}", "sneezed"}}},
    {"마당", "the yard", "in", 0, false, {{"나뭇잎을 {쓸었/쓰셨}", "swept up the leaves"}, {"꽃에 물을 {주었/주셨}", "watered the flowers"}, {"빨래를 {널었/너셨}", "hung out the washing"}}},
    {"지하실", "the cellar", "in", 0, true, {{"불을 {켰/켜셨}", "turned on the light"}, {"선반을 {정리했/정리하셨}", "tidied up the shelves"}, {"이상한 소리를 {들었/들으셨}", "heard a strange noise"}}},
    {"교실", "the classroom", "in", 1, true, {{"칠판을 {닦았/닦으셨}", "wiped the blackboard"}, {"노래를 {불렀/부르셨}", "sang a song"}, {"숙제를 {확인했/확인하셨}", "checked the homework"}}},
    {"운동장", "the playground", "on", 1, false, {{"한 바퀴 {달렸/달리셨}", "ran one lap"}, {"그늘에서 {쉬었/쉬셨}", "rested in the shade"}, {"준비 운동을 {했/하셨}", "warmed up"}}},
    {"도서관", "the library", "in", 1, true, {{"조용히 자리에 {앉았/앉으셨}", "sat down quietly"}, {"오래된 신문을 {읽었/읽으셨}", "read an old newspaper"}, {"책 제목을 하나씩 {살펴보았/살펴보셨}", "looked at the titles one by one"}}},
    {"음악실", "the music room", "in", 1, true, {{"피아노를 {쳤/치셨}", "played the piano"}, {"악보를 {넘겼/넘기셨}", "turned the pages of the music"}, {"박수를 {쳤/치셨}", "clapped"}}},
    {"복도", "the hallway", "in", 1, true, {{"천천히 {걸었/걸으셨}", "walked slowly"}, {"친구들에게 {인사했/인사하셨}", "said hello to everyone"}, {"게시판을 {읽었/읽으셨}", "read the notice board"}}},
    {"과학실", "the science room", "in", 1, true, {{"현미경을 {들여다보았/들여다보셨}", "looked through the microscope"}, {"실험 결과를 {적었/적으셨}", "wrote down the results"}, {"온도를 {쟀/재셨}", "measured the temperature"}}},
    {"시장", "the market", "at", 2, false, {{"생선 값을 {물었/물으셨}", "asked the price of the fish"}, {"사람들을 {구경했/구경하셨}", "watched the people"}, {"떡볶이를 {먹었/드셨}", "ate some spicy rice cakes"}}},
    {"빵집", "the bakery", "in", 2, true, {{"빵 냄새를 {맡았/맡으셨}", "smelled the fresh bread"}, {"줄을 {섰/서셨}", "waited in line"}, {"주인과 이야기를 {나누었/나누셨}", "chatted with the baker"}}},
    {"우체국", "the post office", "in", 2, true, {{"우표를 {붙였/붙이셨}", "put on a stamp"}, {"번호표를 {뽑았/뽑으셨}", "took a number"}, {"주소를 {확인했/확인하셨}", "checked the address"}}},
    {"병원", "the hospital", "in", 2, true, {{"차례를 {기다렸/기다리셨}", "waited for a turn"}, {"손을 {씻었/씻으셨}", "washed both hands"}, {"잡지를 {넘겼/넘기셨}", "leafed through a magazine"}}},
    {"식당", "the restaurant", "in", 2, true, {{"국수를 {먹었/드셨}", "had noodles"}, {"차를 {주문했/주문하셨}", "ordered tea"}, {"메뉴를 {읽었/읽으셨}", "read the menu"}}},
    {"기차역", "the train station", "at", 2, true, {{"시간표를 {보았/보셨}", "looked at the timetable"}, {"표를 {확인했/확인하셨}", "checked the ticket"}, {"기차 소리를 {들었/들으셨}", "listened to the trains"}}},
    {"공원", "the park", "in", 3, false, {{"비둘기를 {보았/보셨}", "watched the pigeons"}, {"산책을 {했/하셨}", "took a walk"}, {"나무 아래에서 {쉬었/쉬셨}", "rested under a tree"}}},
    {"숲", "the forest", "in", 3, false, {{"새소리를 {들었/들으셨}", "listened to the birds"}, {"버섯을 {찾았/찾으셨}", "found some mushrooms"}, {"좁은 길을 {걸었/걸으셨}", "walked along the narrow path"}}},
    {"호숫가", "the lakeside", "at", 3, false, {{"물에 손을 {담갔/담그셨}", "dipped a hand in the water"}, {"오리를 {세었/세셨}", "counted the ducks"}, {"돌을 {던졌/던지셨}", "skipped a stone"}}},
    {"언덕", "the hill", "on", 3, false, {{"구름을 {바라보았/바라보셨}", "looked at the clouds"}, {"풀밭에 {누웠/누우셨}", "lay down in the grass"}, {"마을을 {내려다보았/내려다보셨}", "looked down at the village"}}},
    {"오두막", "the cabin", "in", 3, true, {{"난로에 불을 {피웠/피우셨}", "lit the stove"}, {"문을 {두드렸/두드리셨}", "knocked on the door"}, {"빗소리를 {들었/들으셨}", "listened to the rain"}}},
    {"정원", "the garden", "in", 3, false, {{"잡초를 {뽑았/뽑으셨}", "pulled some weeds"}, {"나비를 {보았/보셨}", "saw a butterfly"}, {"씨앗을 {심었/심으셨}", "planted some seeds"}}},
    {"바닷가", "the beach", "at", 4, false, {{"모래성을 {쌓았/쌓으셨}", "built a sandcastle"}, {"파도를 {바라보았/바라보셨}", "watched the waves"}, {"맨발로 {걸었/걸으셨}", "walked barefoot"}}},
    {"등대", "the lighthouse", "in", 4, true, {{"계단을 {올라갔/올라가셨}", "climbed the stairs"}, {"먼 배를 {바라보았/바라보셨}", "watched a distant ship"}, {"숨을 {골랐/고르셨}", "caught a breath"}}},
    {"항구", "the harbour", "at", 4, false, {{"갈매기를 {보았/보셨}", "watched the seagulls"}, {"그물을 {구경했/구경하셨}", "looked at the fishing nets"}, {"배를 {세었/세셨}", "counted the boats"}}},
    {"농장", "the farm", "on", 4, false, {{"닭에게 모이를 {주었/주셨}", "fed the chickens"}, {"소젖을 {짰/짜셨}", "milked the cow"}, {"밭을 {둘러보았/둘러보셨}", "looked over the fields"}}},
    {"창고", "the barn", "in", 4, true, {{"건초를 {옮겼/옮기셨}", "moved the hay"}, {"문을 {고쳤/고치셨}", "fixed the door"}, {"고양이를 {쓰다듬었/쓰다듬으셨}", "petted the cat"}}},
    {"과수원", "the orchard", "in", 4, false, {{"사다리를 {세웠/세우셨}", "put up the ladder"}, {"나무를 {살펴보았/살펴보셨}", "checked the trees"}, {"바람 소리를 {들었/들으셨}", "listened to the wind"}}},
};
const int n_synth_places = COUNT(synth_places);

const SynthThing synth_things[] = {
    {"사과", "apple", "apples", "개", true, 800}, {"배", "pear", "pears", "개", true, 1500}, {"귤", "tangerine", "tangerines", "개", true, 300},
    {"복숭아", "peach", "peaches", "개", true, 1200}, {"감자", "potato", "potatoes", "개", true, 400}, {"당근", "carrot", "carrots", "개", true, 500},
    {"달걀", "egg", "eggs", "개", true, 300}, {"쿠키", "cookie", "cookies", "개", true, 600}, {"토마토", "tomato", "tomatoes", "개", true, 700},
    {"옥수수", "ear of corn", "ears of corn", "개", true, 900}, {"만두", "dumpling", "dumplings", "개", true, 500}, {"사탕", "candy", "candies", "개", true, 200},
    {"딸기", "strawberry", "strawberries", "개", true, 250}, {"밤", "chestnut", "chestnuts", "개", true, 150}, {"레몬", "lemon", "lemons", "개", true, 1000},
    {"책", "book", "books", "권", false, 9000}, {"공책", "notebook", "notebooks", "권", false, 1500}, {"연필", "pencil", "pencils", "자루", false, 400},
    {"붓", "brush", "brushes", "자루", false, 1200}, {"우산", "umbrella", "umbrellas", "개", false, 7000}, {"열쇠", "key", "keys", "개", false, 2000},
    {"모자", "hat", "hats", "개", false, 8000}, {"공", "ball", "balls", "개", false, 5000}, {"인형", "doll", "dolls", "개", false, 9000},
    {"편지", "letter", "letters", "통", false, 500}, {"사진", "photo", "photos", "장", false, 600}, {"지도", "map", "maps", "장", false, 2000},
    {"시계", "clock", "clocks", "개", false, 12000}, {"컵", "cup", "cups", "개", false, 3000}, {"접시", "plate", "plates", "개", false, 4000},
    {"숟가락", "spoon", "spoons", "개", false, 1000}, {"손전등", "flashlight", "flashlights", "개", false, 6000}, {"연", "kite", "kites", "개", false, 4000},
    {"종", "bell", "bells", "개", false, 2500}, {"담요", "blanket", "blankets", "장", false, 11000}, {"꽃", "flower", "flowers", "송이", false, 1000},
    {"조개껍데기", "seashell", "seashells", "개", false, 100}, {"돌", "stone", "stones", "개", false, 100}, {"깃털", "feather", "feathers", "개", false, 200},
    {"구슬", "marble", "marbles", "개", false, 100}, {"동전", "coin", "coins", "개", false, 500}, {"반지", "ring", "rings", "개", false, 15000},
    {"피리", "flute", "flutes", "개", false, 6000}, {"북", "drum", "drums", "개", false, 14000}, {"장난감 기차", "toy train", "toy trains", "개", false, 9500},
    {"그림", "picture", "pictures", "장", false, 5000}, {"빗", "comb", "combs", "개", false, 1800}, {"가방", "bag", "bags", "개", false, 13000},
    {"목도리", "scarf", "scarves", "개", false, 7500}, {"단추", "button", "buttons", "개", false, 100}, {"양초", "candle", "candles", "개", false, 900},
    {"망치", "hammer", "hammers", "개", false, 5500}, {"빗자루", "broom", "brooms", "개", false, 3500}, {"화분", "flowerpot", "flowerpots", "개", false, 4500},
    {"엽서", "postcard", "postcards", "장", false, 700}, {"나침반", "compass", "compasses", "개", false, 6500}, {"돋보기", "magnifying glass", "magnifying glasses", "개", false, 3800},
    {"물병", "water bottle", "water bottles", "개", false, 2200}, {"부채", "fan", "fans", "개", false, 2600}, {"리본", "ribbon", "ribbons", "개", false, 800},
};
const int n_synth_things = COUNT(synth_things);

const SynthWord synth_looks[] = {
    {"작은", "small"}, {"큰", "big"}, {"낡은", "old"}, {"새", "new"}, {"빨간", "red"}, {"파란", "blue"}, {"노란", "yellow"}, {"하얀", "white"},
    {"검은", "black"}, {"예쁜", "pretty"}, {"낯선", "unfamiliar"}, {"멋진", "fine"}, {"소중한", "precious"}, {"깨끗한", "clean"}, {"반짝이는", "shiny"},
    {"초록색", "green"}, {"보라색", "purple"}, {"특별한", "special"}, {"귀여운", "cute"}, {"이상한", "strange"},
};
const int n_synth_looks = COUNT(synth_looks);

const SynthWord synth_materials[] = {
    {"튼튼한", "sturdy"}, {"새", "new"}, {"노란", "yellow"}, {"파란", "blue"}, {"빨간", "red"}, {"하얀", "white"}, {"큰", "big"}, {"작은", "small"},
    {"낡은", "old"}, {"낮은", "low"}, {"갈색", "brown"}, {"초록색", "green"},
};
const int n_synth_materials = COUNT(synth_materials);

const SynthWord synth_colours[] = {
    {"빨간색", "red"}, {"파란색", "blue"}, {"노란색", "yellow"}, {"초록색", "green"}, {"하얀색", "white"}, {"검은색", "black"},
    {"보라색", "purple"}, {"분홍색", "pink"}, {"주황색", "orange"}, {"하늘색", "sky blue"},
};
const int n_synth_colours = COUNT(synth_colours);

const SynthWord synth_weathers[] = {
    {"하늘이 맑았", "The sky was clear"}, {"비가 조용히 내렸", "It was raining softly"}, {"바람이 세게 불었", "A strong wind was blowing"},
    {"눈이 펑펑 내렸", "Snow was falling thickly"}, {"안개가 짙었", "The fog was thick"}, {"햇볕이 따뜻했", "The sun was warm"},
    {"구름이 많았", "There were many clouds"}, {"날이 무척 더웠", "It was very hot"}, {"공기가 차가웠", "The air was cold"},
    {"멀리서 천둥이 쳤", "There was thunder far away"},
};
const int n_synth_weathers = COUNT(synth_weathers);

const SynthWord synth_times[] = {
    {"어느 월요일 아침", "One Monday morning"}, {"어느 화요일 낮", "One Tuesday at noon"}, {"어느 수요일 오후", "One Wednesday afternoon"},
    {"어느 목요일 저녁", "One Thursday evening"}, {"어느 금요일 아침", "One Friday morning"}, {"어느 토요일 오후", "One Saturday afternoon"},
    {"어느 일요일 아침", "One Sunday morning"}, {"봄이 시작되던 날", "On the first day of spring"}, {"여름 방학 첫날", "On the first day of the summer holidays"},
    {"가을 소풍 전날", "The day before the autumn picnic"}, {"첫눈이 오던 날", "On the day of the first snow"}, {"생일 아침", "On the morning of the birthday party"},
};
const int n_synth_times = COUNT(synth_times);

const SynthWord synth_feelings[] = {
    {"기분이 {좋았/좋으셨}", "felt happy"}, {"조금 {피곤했/피곤하셨}", "felt a little tired"}, {"배가 {고팠/고프셨}", "was hungry"},
    {"깜짝 {놀랐/놀라셨}", "was surprised"}, {"환하게 {웃었/웃으셨}", "smiled brightly"}, {"콧노래를 {불렀/부르셨}", "hummed a tune"},
    {"잠시 생각에 {잠겼/잠기셨}", "thought for a while"}, {"한숨을 {쉬었/쉬셨}", "sighed"}, {"고개를 {끄덕였/끄덕이셨}", "nodded"},
    {"조금 {걱정했/걱정하셨}", "was a little worried"}, {"큰 소리로 {웃었/웃으셨}", "laughed out loud"}, {"시계를 {보았/보셨}", "looked at the time"},
};
const int n_synth_feelings = COUNT(synth_feelings);

const SynthWord synth_hobbies[] = {
    {"그림 그리기", "drawing"}, {"노래 부르기", "singing"}, {"수영", "swimming"}, {"책 읽기", "reading"}, {"요리", "cooking"}, {"축구", "football"},
    {"낚시", "fishing"}, {"춤", "dancing"}, {"등산", "hiking"}, {"바둑", "the game of go"}, {"사진 찍기", "taking photos"}, {"뜨개질", "knitting"},
    {"자전거 타기", "riding a bicycle"}, {"별 보기", "watching the stars"}, {"피아노 연주", "playing the piano"}, {"정원 가꾸기", "gardening"},
};
const int n_synth_hobbies = COUNT(synth_hobbies);

const SynthWord synth_animals[] = {
    {"고양이", "cat"}, {"강아지", "puppy"}, {"토끼", "rabbit"}, {"거북이", "turtle"}, {"앵무새", "parrot"}, {"햄스터", "hamster"}, {"금붕어", "goldfish"},
    {"오리", "duck"}, {"염소", "goat"}, {"조랑말", "pony"},
};
const int n_synth_animals = COUNT(synth_animals);

const SynthWord synth_reasons[] = {
    {"비가 온다고 해서", "because of the rain"}, {"피아노 수업이 있어서", "because of a piano lesson"}, {"길이 막힐 것 같아서", "because of the traffic"},
    {"감기에 걸려서", "because of a cold"}, {"집에 손님이 와서", "because of a guest"}, {"숙제가 많아서", "because of homework"},
    {"동생을 돌봐야 해서", "because of my little brother"}, {"축제에 가야 해서", "because of the festival"},
};
const int n_synth_reasons = COUNT(synth_reasons);

const SynthWord synth_towns[] = {
    {"달맞이 마을", "Moonview Village"}, {"솔내 마을", "Pine Brook"}, {"흰돌 마을", "Whitestone"}, {"바람재", "Windy Pass"}, {"은하 마을", "Galaxy Village"},
    {"새벽항", "Dawn Harbour"}, {"감나무골", "Persimmon Hollow"}, {"물레방아 마을", "Watermill Village"},
};
const int n_synth_towns = COUNT(synth_towns);

const SynthWord synth_days[] = {
    {"월요일", "Monday"}, {"화요일", "Tuesday"}, {"수요일", "Wednesday"}, {"목요일", "Thursday"}, {"금요일", "Friday"}, {"토요일", "Saturday"}, {"일요일", "Sunday"},
};
const int n_synth_days = COUNT(synth_days);

const SynthWord synth_seasons[] = {{"봄", "spring"}, {"여름", "summer"}, {"가을", "autumn"}, {"겨울", "winter"}};
const int n_synth_seasons = COUNT(synth_seasons);

const SynthSpotKind synth_spot_kinds[] = {
    {"상자", "box", SPOT_IN, true, true}, {"바구니", "basket", SPOT_IN, true, true}, {"서랍", "drawer", SPOT_IN, true, false},
    {"찬장", "cupboard", SPOT_IN, true, false}, {"항아리", "jar", SPOT_IN, true, true}, {"탁자", "table", SPOT_ON, true, true},
    {"의자", "chair", SPOT_ON, true, true}, {"긴 의자", "bench", SPOT_UNDER, true, true}, {"침대", "bed", SPOT_UNDER, true, false},
    {"선반", "shelf", SPOT_ON, true, false}, {"창턱", "windowsill", SPOT_ON, true, false}, {"나무 그루터기", "tree stump", SPOT_ON, false, true},
    {"수레", "cart", SPOT_IN, false, true}, {"돗자리", "mat", SPOT_ON, true, true}, {"자루", "sack", SPOT_IN, true, true},
    {"계단", "staircase", SPOT_UNDER, true, true}, {"책장", "bookcase", SPOT_IN, true, false}, {"담장", "wall", SPOT_ON, false, true},
};
const int n_synth_spot_kinds = COUNT(synth_spot_kinds);

const SynthTrade synth_trades[] = {
    {"빵을 굽는 사람", "baker", "빵집에서 빵을 굽는다", "빵집에서 빵을 구워요", "빵집에서 빵을 굽습니다"},
    {"우편집배원", "mail carrier", "집집마다 편지를 배달한다", "집집마다 편지를 배달해요", "집집마다 편지를 배달합니다"},
    {"어부", "fisher", "새벽마다 바다에 나간다", "새벽마다 바다에 나가요", "새벽마다 바다에 나갑니다"},
    {"농부", "farmer", "밭에서 채소를 기른다", "밭에서 채소를 길러요", "밭에서 채소를 기릅니다"},
    {"목수", "carpenter", "나무로 의자를 만든다", "나무로 의자를 만들어요", "나무로 의자를 만듭니다"},
    {"사서", "librarian", "도서관에서 책을 정리한다", "도서관에서 책을 정리해요", "도서관에서 책을 정리합니다"},
    {"화가", "painter", "바다를 그린다", "바다를 그려요", "바다를 그립니다"},
    {"버스 기사", "bus driver", "마을버스를 운전한다", "마을버스를 운전해요", "마을버스를 운전합니다"},
    {"요리사", "cook", "식당에서 국수를 만든다", "식당에서 국수를 만들어요", "식당에서 국수를 만듭니다"},
    {"간호사", "nurse", "병원에서 아픈 사람을 돌본다", "병원에서 아픈 사람을 돌봐요", "병원에서 아픈 사람을 돌봅니다"},
};
const int n_synth_trades = COUNT(synth_trades);
