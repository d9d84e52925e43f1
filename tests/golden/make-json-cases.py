#!/usr/bin/env python3
"""Writes json-cases.txt: JSON texts, well formed and not, with what Python's json module makes of them.

One case a line: the text in hex, a blank, and "reject" or the value spelled out:
null n, true t, false f, integers i<decimal>, other numbers d<16 hex digits of the double>, NaN dnan,
strings s<hex of the (W)UTF-8 bytes>, arrays [a,b], objects {key:value,...} in the order of the text.
Left out, because we differ on purpose: a byte order mark, bytes that are not UTF-8, nesting beyond 512.
"""
import json
import random
import struct
from pathlib import Path

HAND = r"""
null|true|false|nul|nulll|True|tru|falsey|n|""| |  1  |[1] x|{} {}
0|-0|-|+1|01|-01|00|1.|.5|1.5|-1.5e3|1e|1e+|1e-|1e5|1E5|1e+05|1e-400|-1e-400|1e400|-1e999|0e99999999999999999999|1.0e1000000000000
9223372036854775807|9223372036854775808|-9223372036854775808|-9223372036854775809|18446744073709551615|123456789012345678901234567890
0.1|0.2|0.30000000000000004|2.2250738585072011e-308|2.2250738585072014e-308|4.9e-324|2.4703282292062327e-324|2.4703282292062328e-324
1.7976931348623157e308|1.7976931348623158e308|1.7976931348623159e308|9007199254740993|9007199254740993.0|9007199254740992.9999999999999
0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001
1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000.0
3.0|1e3|1.10e1|100e-2|100e-3|5e-1|1e18|1e19|9.223372036854775807e18|123456789012345.6e1|1e22|1e23|8.5e22|0.1e-22|7e-23
NaN|-NaN|Infinity|-Infinity|+Infinity|Inf|nan|infinity|[NaN,Infinity,-Infinity]|Na|-Infinit|-I
"a"|"|"a|a"|'a'|"\n"|"\x41"|"\u0041"|"\u004"|"\u004g"|"\U0041"|"\"\\\/\b\f\n\r\t"|"\a"|"\0"|"\u0000"|"a\u0000b"
"\ud83d\ude00"|"\ud83d"|"\ude00"|"\ude00\ud83d"|"\ud83d\ud83d\ude00"|"\ud83d\u0041"|"\ud83dx\ude00"|"\uD83D\uDE00"|"\uffff\ufffe"|"\ud83d\u"
"한글"|"\ud55c\uae00"|"é"|"e\u0301"|"😀"|"\u2028\u2029"|"\u007f"|"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\tb"|"aaaaaaa\"aaaaaaaa\\"
[]|[ ]|[,]|[1,]|[,1]|[1 2]|[1,,2]|[1|[|]|[1]]|[[]]|[[1],[2,[3]]]|[1,"a",null,true,{"k":[]}]|[1;2]|[1:2]
{}|{ }|{"a":1}|{"a" : 1 , "b" : 2}|{"a":1,}|{,"a":1}|{"a"}|{"a":}|{"a" 1}|{a:1}|{1:2}|{"a":1 "b":2}|{"a":1,"a":2}|{"a":{"b":{"c":[{}]}}}|{"":""}|{"\u0061":1}|{"a":1|{"a|{|}|{"a":1]|[1}
/**/1|1//|# x|[1]#|{"a":1}\u0000
"""


def spell(value):
    if value is None:
        return "n"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return f"i{value}"
    if isinstance(value, (int, float)):
        value = float(value)
        return "dnan" if value != value else "d" + struct.pack(">d", value).hex()
    if isinstance(value, str):
        return "s" + value.encode("utf-8", "surrogatepass").hex()
    if isinstance(value, Pairs):
        return "{" + ",".join(spell(k) + ":" + spell(v) for k, v in value.pairs) + "}"
    return "[" + ",".join(spell(v) for v in value) + "]"


class Pairs:
    def __init__(self, pairs):
        self.pairs = pairs


def judge(text):
    try:
        return spell(json.loads(text, object_pairs_hook=Pairs))
    except (json.JSONDecodeError, OverflowError):
        return "reject"


def mutations(seeds, n):
    rng = random.Random(20)
    alphabet = '[]{}",:\\u0123456789eE+-. \t\nabfnrtNI한\x01\x7f'
    for _ in range(n):
        text = list(rng.choice(seeds))
        for _ in range(rng.randint(1, 3)):
            at = rng.randint(0, len(text))
            act = rng.random()
            if act < 0.4:
                text.insert(at, rng.choice(alphabet))
            elif text and act < 0.7:
                del text[min(at, len(text) - 1)]
            elif text:
                text[min(at, len(text) - 1)] = rng.choice(alphabet)
        yield "".join(text)


texts = [t for line in HAND.strip("\n").split("\n") for t in line.split("|")]
texts += ["", " \t\r\n1\n", "\x0b1", "\u00a01", '"\n"', '"\x1f"', '"\x00"', '"\x7f"', "[1,\n 2]"]
rich = ['{"a":[1,2.5e-3,"x\\n\\u00e9",null],"b":{"c":true}}', '["\\ud83d\\ude00",-0.0,1e10,[[]],{}]', '{"k":"v","n":-12345678901234567890}']
texts += mutations(rich + texts, 500)
seen = set()
with open(Path(__file__).with_name("json-cases.txt"), "w") as out:
    for text in texts:
        if text not in seen:
            seen.add(text)
            out.write(f"{text.encode('utf-8').hex()} {judge(text)}\n")
