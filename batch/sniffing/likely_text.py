"""How likely a decoded text is one that people write: letters of one language, in the cases that words have.

The wrong encoding shows in letters that no language has together (`Ïðèâåò`, `ZaÂ¿Ã³Å‚Ä‡`), in capitals inside of words,
in signs inside of words, and in scripts that change within a word. Every character outside of ASCII is worth a point
at most; a text of nothing but likely ones has a mean of about 1.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter

_LATIN = {  # letters outside of ASCII from the more to the less frequent
    "German": "üäöß",
    "French": "éèàçêîôâûùëïœæ",
    "Spanish": "óíáéñúü¿¡ºª",
    "Portuguese": "ãçáéíóâêõúàôºª",
    "Italian": "àèéìòù",
    "Nordic": "äåöøæé",
    "Icelandic": "íáéóöðæúýþ",
    "Polish": "łąęóżśćźń",
    "Czech and Slovak": "íáéýěščřžůúťňďľóäôĺŕ",
    "Hungarian": "áéöóőüúíű",
    "Romanian": "ăîțșâţş",
    "Croatian": "čšćžđ",
    "Turkish": "ıüşçğöİâ",
    "Baltic": "āšėžīčėūęųēņļģķįąõ",
}
_FREQUENT = {  # letters from the most to the least frequent
    "CYRILLIC": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфіїєёъґўј",
    "GREEK": "αοιετσνηυρπκμλςωάίόέήγύδχθφβξώζψ",
    "HEBREW": "יוהלאתרבשמנכדעקםפטחגצסןזךףץ",
    "ARABIC": "الينمرتوبةعدسفهكقحجشصطخذزءىئضغثظأإؤآ",
    "THAI": "านรกอเงมยลวดทสตะปบคหแจพชขใไโผถซณิีึืุูั่้์็ำ",
}
_VOWELS = frozenset("аеиоуыэюяёіїєαεηιουωάέήίόύώϊϋ")
_VOWEL_SHARE = 0.35
_CJK = set(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能"
    "好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法"
    "此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真"
    "听世气信北少关并内加化由却代军产入先山五太水万市京京华评论好世界姓城商品服务价格质量快递收货满意"
    "這來國說們為時會對過學還沒發當開經頭動長樣現將與進實點聲話兒問機給業間電門東關產萬臺灣語書"
    "名前都市東京日本人大一会年出時分者社行国見月場気間後方上生中事新話今高自手私思金度回家市県区町村電話田山川"
)
_HANGUL = set(
    "이다는을가의에고하지은한를로도기서사자리아어시인들그대정부일라나수해있여전스상원으제장만주보니과금성관공게안요세울것물구"
    "녕름철김박최산광인용좋습합했었네너무배송상품제품격추천별"
)
_QUOTES = frozenset("“”„‚‘’«»–—…•€£§°®©™²³½¼¾ \u00a0×±µ")
_RARE = -1.0
_NEVER = -3.0


def likelihood(text: str) -> float:
    """The mean over all characters outside of ASCII; 1 without any."""
    foreign = [character for character in text if character > "\x7f"]
    if not foreign:
        return 1.0
    latin = _best_alphabet(foreign)
    points = 0.0
    for place, character in enumerate(text):
        if character > "\x7f":
            before = text[place - 1] if place else " "
            after = text[place + 1] if place + 1 < len(text) else " "
            points += _points(character, before, after, latin)
    return points / len(foreign) - _lack_of_vowels(foreign) - _shouting(foreign)


def _lack_of_vowels(foreign: list[str]) -> float:
    """What is taken off a text in letters of another script that has nearly no vowels."""
    letters = [character for character in foreign if "Ͱ" <= character <= "ӿ" and character.isalpha()]
    share = sum(letter.lower() in _VOWELS for letter in letters) / max(1, len(letters))
    return max(0.0, _VOWEL_SHARE - share) if len(letters) > 5 else 0.0


def _shouting(foreign: list[str]) -> float:
    """What is taken off a text that is nearly all capitals."""
    capitals, small = sum(map(str.isupper, foreign)), sum(map(str.islower, foreign))
    return 0.12 if capitals > 2 * small and capitals > 3 else 0.0


def script_of(text: str) -> str:
    """The script of most letters outside of ASCII; "" without any."""
    scripts = Counter(_script(character) for character in text if character > "\x7f" and character.isalpha())
    return scripts.most_common(1)[0][0] if scripts else ""


def _best_alphabet(foreign: list[str]) -> dict[str, float]:
    """The letters of the language that has most of these, each with what it is worth."""
    counts = Counter(character if character == "İ" else character.lower() for character in foreign)
    worths = [
        {letter: 1 - 0.25 * rank / len(letters) for rank, letter in enumerate(letters)} for letters in _LATIN.values()
    ]
    return max(worths, key=lambda worth: sum(counts[letter] * points for letter, points in worth.items()))


def _points(character: str, before: str, after: str, latin: dict[str, float]) -> float:
    category = unicodedata.category(character)
    if category[0] == "C":
        return _NEVER
    if category[0] not in "LM":
        return _sign_points(character, before, after)
    script = _script(character)
    if script in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL"):
        return _wide_points(character, script)
    shape = _case_points(character, before, after, script)
    lower = character.lower()
    if script == "LATIN":
        crowd = 0.2 * ((before > "\x7f" and before.isalpha()) + (after > "\x7f" and after.isalpha()))
        return shape - crowd + latin.get(lower, latin.get(character, -0.4))
    letters = _FREQUENT.get(script)
    if letters is None or lower not in letters:
        return shape + _RARE
    return shape + 1.3 * math.pow(1 - letters.index(lower) / len(letters), 1.5)


def _sign_points(character: str, before: str, after: str) -> float:
    """A sign is likely where signs stand: not between two letters."""
    inside = before.isalpha() and after.isalpha()
    if character in "€£°²³" and (before.isdigit() or after.isdigit() or (character in "²³" and before.isalpha())):
        return 0.9
    if character in "¿¡":
        return 0.9 if not before.isalnum() and after.isalpha() else -1.0
    if character in "’‘" and inside:
        return 0.8
    if character in _QUOTES:
        return -1.0 if inside else 0.5
    if "\u3000" <= character <= "\u303f" or "\uff00" <= character <= "\uff60":
        return 0.6
    return -2.0 if inside else _RARE


def _wide_points(character: str, script: str) -> float:
    if script == "HANGUL":
        return 1.0 if character in _HANGUL else 0.45
    if "\uff61" <= character <= "\uff9f":
        return _RARE
    if script == "CJK":
        return 1.0 if character in _CJK else 0.3
    return 0.8


def _case_points(character: str, before: str, after: str, script: str) -> float:
    """Capitals begin words or fill them, and a word has one script."""
    points = -0.8 if before.isdigit() or after.isdigit() else 0.0
    for neighbour in (before, after):
        if neighbour.isalpha() and _script(neighbour) != script:
            points -= 1.5
    if character.isupper() and before.islower():
        points -= 1.2
    elif character.isupper() and after.islower() and before.isupper():
        points -= 0.6
    elif character.islower() and before.isupper() and after.isupper():
        points -= 0.8
    return points


def _script(character: str) -> str:
    if character < "\x80":
        return "LATIN"
    return unicodedata.name(character, "?").split(" ")[0].split("-")[0]
