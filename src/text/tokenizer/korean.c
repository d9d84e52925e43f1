/* korean.c - the table of particles and endings, and the expressions made from it. */
#include "text/tokenizer/korean.h"
#include "text/unicode/hangul.h"

#include <string.h>

/* Each ends a word; compounds stand for themselves, because a cut is made once. Grouped by what they do, for the reader only. */
static const char *const particles[] = {
    /* case */
    "이", "가", "을", "를", "의", "은", "는", "께서", "에서", "에게", "한테", "에게서", "한테서", "께", "에", "로", "으로", "와", "과", "랑", "이랑", "하고",
    "로서", "으로서", "로써", "으로써", "보다", "처럼", "같이", "만큼", "부터", "까지", "마다", "조차", "마저", "밖에", "대로", "커녕", "뿐", "도", "만", "나",
    "이나", "라도", "이라도", "든지", "이든지", "든", "이든", "야", "아", "며", "이며", "란", "이란", "치고", "마는",
    /* case with topic, addition or genitive */
    "에는", "에도", "에만", "에의", "에서는", "에서도", "에서의", "에서만", "에게는", "에게도", "한테는", "한테도", "께서는", "께서도", "로는", "으로는",
    "로도", "으로도", "로의", "으로의", "로만", "으로만", "와는", "과는", "와도", "과도", "와의", "과의", "보다는", "보다도", "처럼은", "만큼은", "만큼의",
    "만큼이나", "부터는", "부터의", "까지는", "까지도", "까지의", "까지만", "만은", "만을", "만이", "만의", "만도", "뿐만", "뿐이", "뿐인", "대로의", "로부터",
    "으로부터", "로부터의", "으로부터의", "에게서는", "이라는", "라는", "이라고", "라고", "이라면", "라면", "이라서", "라서", "이지만", "이라며",
    /* copula */
    "이다", "이었다", "였다", "입니다", "입니까", "이었습니다", "였습니다", "이에요", "예요", "이고", "인데", "인지", "이므로", "이면", "이니", "이어서",
    /* verbs of 하다 and 되다 */
    "하다", "한다", "하는", "하여", "하면", "하며", "하지", "하게", "하기", "하고는", "하여야", "하거나", "하도록", "하려는", "하려고", "하였다", "하는데",
    "했다", "했던", "했고", "했지만", "했는데", "했습니다", "합니다", "해서", "해야", "해도", "해요", "할", "한", "함", "함은", "함을", "하였던", "한다는",
    "한다고", "하므로", "하지만", "하십시오", "하세요", "되다", "된다", "되는", "되어", "되면", "되며", "되지", "되고", "되어야", "되었다", "됐다", "됩니다",
    "되었습니다", "될", "된", "됨", "시키는", "시킨", "시켜",
    /* endings */
    "다", "고", "지", "며", "면", "게", "서", "요", "네", "자", "니다", "습니다", "습니까", "는다", "었다", "았다", "였던", "었던", "았던", "었고",
    "았고", "었지만", "았지만", "었는데", "았는데", "었습니다", "았습니다", "어서", "아서", "어야", "아야", "어도", "아도", "어요", "아요", "네요", "군요", "지요",
    "세요", "는데", "은데", "지만", "면서", "으면서", "으면", "으며", "으니", "니까", "으니까", "려고", "으려고", "려면", "도록", "거나", "든가", "자마자", "는지",
    "은지", "을지", "는가", "은가", "다가", "다는", "다고", "다면", "다며", "기에", "기는", "기를", "기가", "기도", "음을", "음이", "는구나", "구나", "잖아",
    "거든", "을까", "더라", "더니", "던데",
};
enum { N_PARTICLES = sizeof particles / sizeof particles[0] };

const char *korean_eojeol_pattern(void)
{
    return " ?[^\\s]+|\\s+(?!\\S)|\\s+";
}

/* "(?<=stem)(?:a|b|...)(?![가-힣])": a search finds the leftmost place from which a particle reaches the end, which is the longest particle. */
const char *korean_particle_pattern(Arena *arena)
{
    const char *one = "", *more = "";
    for (int i = 0; i < N_PARTICLES; i++) {
        const char **list = strlen(particles[i]) == HANGUL_SYLLABLE_BYTES ? &one : &more;
        *list = arena_printf(arena, "%s%s%s", *list, **list ? "|" : "", particles[i]);
    }
    return arena_printf(arena, "(?<=[가-힣])(?:%s)(?![가-힣])|(?<=[가-힣][가-힣])(?:%s)(?![가-힣])", more, one);
}

size_t korean_stem_bytes(const char *word, size_t n)
{
    size_t longest = 0;
    for (int i = 0; i < N_PARTICLES; i++) {
        size_t length = strlen(particles[i]);
        size_t stem_min = (length == HANGUL_SYLLABLE_BYTES ? 2 : 1) * HANGUL_SYLLABLE_BYTES;
        if (length > longest && n >= length + stem_min && memcmp(word + n - length, particles[i], length) == 0)
            longest = length;
    }
    return n - longest;
}
