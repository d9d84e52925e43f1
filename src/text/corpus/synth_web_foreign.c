/* synth_web_foreign.c - sentences with gaps for names, things and numbers. */
#include "text/corpus/synth_web_foreign.h"

#include <stdio.h>
#include <string.h>

enum { N_LANGUAGES = 6, N_SENTENCES = 8, N_WORDS = 8, N_TOLD = 12, N_SYLLABLES = 16 };

/* Syllables of invented names, so that no two articles are alike. */
static const char *const syllables[4][N_SYLLABLES] = {
    {"タ", "ミ", "ナ", "ロ", "カ", "セ", "リ", "ホ", "マ", "ユ", "ト", "ケ", "ノ", "サ", "ヒ", "レ"},
    {"安", "林", "明", "华", "文", "春", "建", "国", "海", "云", "志", "红", "玉", "金", "成", "东"},
    {"ka", "lo", "mi", "ren", "sa", "tu", "be", "dor", "na", "vi", "gel", "o", "ri", "pan", "ze", "li"},
    {"ка", "ло", "ми", "рен", "са", "ту", "бе", "дор", "на", "ви", "гел", "о", "ри", "пан", "зе", "ли"},
};

/* In a sentence N is a name, T a thing, P a place, 0 a number. */
static const struct {
    const char *language, *title, *sentences[N_SENTENCES], *names[N_WORDS], *things[N_WORDS], *places[N_WORDS];
    bool spaces;
} tongues[N_LANGUAGES] = {
    {"ja", "村の記事",
     {"今朝、{N}は{P}で{T}を{0}個買いました。", "{N}によると、{P}の天気は昨日よりずっと良かったそうです。", "{T}の値段は去年から{0}円上がっています。",
      "子どもたちは{P}で遊びながら、{N}の話を聞いていました。", "{N}は毎週{0}回、{P}まで歩いて通っています。", "その後、{T}はとうとう見つかりませんでした。",
      "{P}では{0}年ぶりに祭りが開かれ、{N}も参加しました。", "みんなは{T}について長い時間話し合いました。"},
     {"田中さん", "佐藤さん", "鈴木さん", "山本さん", "中村さん", "小林さん", "加藤さん", "吉田さん"},
     {"りんご", "古い時計", "手紙", "青い傘", "新聞", "木の椅子", "お茶", "自転車"},
     {"市場", "図書館", "駅前", "川のほとり", "学校", "公園", "小さな店", "港"}, false},
    {"zh", "村里的消息",
     {"今天早上，{N}在{P}买了{0}个{T}。", "据{N}说，{P}的天气比昨天好得多。", "{T}的价格从去年开始涨了{0}元。", "孩子们一边在{P}玩，一边听{N}讲故事。",
      "{N}每个星期走路去{P}{0}次。", "后来，那个{T}一直没有找到。", "{P}时隔{0}年又举行了节日活动，{N}也参加了。", "大家讨论{T}的事情讨论了很久。"},
     {"王先生", "李女士", "张老师", "刘医生", "陈师傅", "杨同学", "赵经理", "黄奶奶"},
     {"苹果", "旧钟表", "信件", "蓝色雨伞", "报纸", "木头椅子", "茶叶", "自行车"},
     {"市场", "图书馆", "火车站", "河边", "学校", "公园", "小店", "码头"}, false},
    {"de", "Aus dem Dorf",
     {"Heute Morgen kaufte {N} in {P} {0} Stück von {T}.", "Nach den Worten von {N} war das Wetter bei {P} viel besser als gestern.",
      "Der Preis für {T} ist seit dem letzten Jahr um {0} Euro gestiegen.", "Während die Kinder nahe {P} spielten, hörten sie {N} zu.",
      "{N} geht jede Woche {0} Mal zu Fuß zu {P} und wieder zurück.", "Danach wurde von {T} leider nichts mehr gefunden.",
      "Zum ersten Mal seit {0} Jahren gab es bei {P} ein großes Fest, und auch {N} war dabei.", "Über {T} wurde noch lange und gründlich gesprochen."},
     {"Frau Müller", "Herr Schäfer", "Jürgen", "Käthe", "der Bürgermeister", "die Lehrerin", "Günther", "Ingrid"},
     {"Äpfeln", "alten Uhren", "Briefen", "Regenschirmen", "Zeitungen", "Holzstühlen", "grünem Tee", "Fahrrädern"},
     {"dem Markt", "der Bücherei", "dem Bahnhof", "dem Flussufer", "der Schule", "dem Park", "dem kleinen Laden", "dem Hafen"}, true},
    {"fr", "Nouvelles du village",
     {"Ce matin, {N} a acheté {0} kilos de {T} près de {P}.", "Selon {N}, il faisait bien meilleur qu'hier autour de {P}.",
      "Depuis l'année dernière, le prix des {T} a augmenté de {0} euros.", "Les enfants jouaient devant {P} pendant que {N} leur racontait une histoire.",
      "Chaque semaine, {N} marche {0} fois jusqu'à {P}.", "Après cela, on n'a jamais retrouvé les {T}.",
      "Pour la première fois depuis {0} ans, une fête a été organisée près de {P}, et {N} y était.", "On a parlé longtemps des {T}, sans se mettre d'accord."},
     {"Élodie", "monsieur Lefèvre", "François", "la boulangère", "Hélène", "le maire", "Agnès", "Théo"},
     {"pommes", "vieilles horloges", "lettres", "parapluies bleus", "journaux", "chaises en bois", "théières", "bicyclettes"},
     {"la place du marché", "la bibliothèque", "la gare", "la rivière", "l'école", "la forêt", "la petite boutique", "l'église"}, true},
    {"es", "Noticias del pueblo",
     {"Esta mañana {N} compró {0} cajas de {T} cerca de {P}.", "Según {N}, el tiempo en {P} era mucho mejor que el de ayer.",
      "Desde el año pasado, el precio de las {T} ha subido {0} euros.", "Los niños jugaban delante de {P} mientras {N} les contaba un cuento.",
      "Cada semana {N} camina {0} veces hasta {P}.", "Después de aquello nadie volvió a encontrar las {T}.",
      "Por primera vez en {0} años se celebró una fiesta en {P}, y también estuvo {N}.", "Todos hablaron durante mucho tiempo de las {T}."},
     {"Begoña", "el señor Núñez", "José", "la panadera", "Inés", "el alcalde", "Íñigo", "Lucía"},
     {"manzanas", "campanas antiguas", "cartas", "sombrillas azules", "revistas", "sillas de madera", "tazas de té", "bicicletas"},
     {"la plaza", "la biblioteca", "la estación", "la orilla del río", "la escuela", "el parque", "la pequeña tienda", "el puerto"}, true},
    {"ru", "Новости деревни",
     {"Сегодня утром {N} покупает {T}: всего {0} штук, и всё это рядом, где {P}.", "Там, где {P}, погода была намного лучше, чем вчера, говорит {N}.",
      "С прошлого года цена на {T} выросла на {0} рублей.", "Пока дети играли там, где {P}, {N} рассказывает им сказку.",
      "Каждую неделю {N} ходит пешком {0} раз туда, где {P}.", "После этого {T} так и не нашли.",
      "Впервые за {0} лет там, где {P}, был праздник, и {N} тоже пришёл.", "Про {T} говорили ещё очень долго и подробно."},
     {"Иван", "учитель", "Сергей", "сосед", "почтальон", "Алексей", "дедушка", "Николай"},
     {"яблоки", "старые часы", "письма", "синие зонты", "газеты", "деревянные стулья", "чашки", "велосипеды"},
     {"рынок", "библиотека", "вокзал", "берег реки", "школа", "парк", "маленький магазин", "порт"}, true},
};

static const char *invent_name(Arena *arena, Dice *dice, const char *language)
{
    int set = strcmp(language, "ja") == 0 ? 0 : strcmp(language, "zh") == 0 ? 1 : strcmp(language, "ru") == 0 ? 3 : 2;
    const char *name = "";
    for (int i = 3 + dice_below(dice, 3); i > 0; i--)
        name = arena_printf(arena, "%s%s", name, syllables[set][dice_below(dice, N_SYLLABLES)]);
    return name;
}

static const char *tell(Arena *arena, Dice *dice, int tongue, const char *sentence)
{
    const char *out = "";
    for (const char *at = sentence; *at;) {
        size_t n = strcspn(at, "{");
        out = arena_printf(arena, "%s%.*s", out, (int)n, at);
        at += n;
        if (!*at)
            break;
        char number[16];
        snprintf(number, sizeof number, "%d", 2 + dice_below(dice, 97));
        int word = dice_below(dice, N_WORDS);
        const char *name = tongues[tongue].spaces ? arena_printf(arena, "%s %s", tongues[tongue].names[word], invent_name(arena, dice, tongues[tongue].language))
                                                  : arena_printf(arena, "%s%s", invent_name(arena, dice, tongues[tongue].language), tongues[tongue].names[word]);
        const char *filling = at[1] == 'N' ? name : at[1] == 'T' ? tongues[tongue].things[word]
                              : at[1] == 'P' ? tongues[tongue].places[word] : number;
        out = arena_printf(arena, "%s%s", out, filling);
        at += 3;
    }
    return out;
}

const char *synth_foreign_text(Arena *arena, Dice *dice, const char **language, const char **title)
{
    int tongue = dice_below(dice, N_LANGUAGES);
    const char *text = "";
    for (int i = 0; i < N_TOLD; i++) {
        const char *sentence = tell(arena, dice, tongue, tongues[tongue].sentences[dice_below(dice, N_SENTENCES)]);
        const char *between = i == 0 ? "" : i % 3 == 0 ? "\n" : tongues[tongue].spaces ? " " : "";
        text = arena_printf(arena, "%s%s%s", text, between, sentence);
    }
    *language = tongues[tongue].language;
    *title = tongues[tongue].title;
    return text;
}
