"""Texts in encodings of all ages are told apart, and what cannot be told is asked about."""

from __future__ import annotations

import io

import pytest

from batch.errors import InputError
from batch.sniffing.encodings import find_encoding, named_encoding


@pytest.mark.parametrize(
    ("content", "codec", "line"),
    [
        (b"a\nb", "utf-8-sig", 0),
        ("\ufeffGröße".encode(), "utf-8-sig", 0),
        ("Größe".encode("utf-16"), "utf-16", 0),
        ("name,n\nGröße,1\n".encode("utf-16-le"), "utf-16-le", 0),
        ("name,n\nGröße,1\n".encode("utf-16-be"), "utf-16-be", 0),
        ("name,n\nGröße,1\n".encode("utf-32"), "utf-32", 0),
        ("a\nGröße".encode("cp1252"), "cp1252", 2),
        ("a\n\nGröße\n".encode("mac_roman"), "mac_roman", 3),
        (b"", "utf-8-sig", 0),
    ],
)
def test_the_encoding_is_found_and_its_first_bad_line_named(content: bytes, codec: str, line: int) -> None:
    found = find_encoding(io.BytesIO(content))
    assert (found.codec, found.bad_line, found.question) == (codec, line, "")


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Отзыв;Оценка\nОчень хороший чайник, всё работает;5\n", "cp1251"),
        ("Отзыв;Оценка\nОчень хороший чайник, всё работает;5\n", "koi8_r"),
        ("Отзыв;Оценка\nОчень хороший чайник, всё работает;5\n", "cp866"),
        ("jídlo;město\nsvíčková;Plzeň\nškubánky;Žďár\n", "cp1250"),
        ("śledź;Łódź\nżurek;Kraków\n", "cp1250"),
        ("plat;ville\nsoufflé;Besançon\ncrème brûlée;Nîmes\n", "cp1252"),
        ("plat;ville\nsoufflé;Besançon\ncrème brûlée;Nîmes\n", "mac_roman"),
        ("Essen;Straße\nKäse;Müllerstraße\n", "cp850"),
        ("评价,分数\n质量很好，送货快,5\n", "gb18030"),
        ("評價,分數\n品質很好，送貨快,5\n", "big5"),
        ("感想,点\nとても良いです、また買います,5\n", "cp932"),
        ("感想,点\nとても良いです、また買います,5\n", "euc_jp"),
        ("평가,점수\n품질이 좋고 배송이 빨라요,5\n", "cp949"),
        ("κριτική;βαθμός\nπολύ καλό προϊόν;5\n", "cp1253"),
        ("yorum;puan\nçok güzel, teşekkürler, ışıl ışıl;5\n", "cp1254"),
        ("price;size\n€5;30 m²\n“quoted” – it’s fine;20 m²\n", "cp1252"),
    ],
)
def test_languages_are_known_by_their_letters(text: str, codec: str) -> None:
    found = find_encoding(io.BytesIO(text.encode(codec)))
    assert (text.encode(codec).decode(found.codec), found.question) == (text, "")


def test_what_no_language_looks_like_is_asked_about() -> None:
    found = find_encoding(io.BytesIO(b"a\n\x81\xff\xfe\x8d\x90\x02\n"))
    assert (found.bad_line, found.question != "") == (2, True)


def test_utf8_with_a_few_broken_bytes_stays_utf8_and_is_asked_about() -> None:
    text = "Größe, Maß, Käse, schön, für, über, grün\n" * 20
    found = find_encoding(io.BytesIO(text.encode() + b"bro\xffken\n"))
    assert (found.codec, found.bad_line) == ("utf-8-sig", 21)
    assert "in line 21" in found.question


def test_utf8_that_was_cut_off_stays_utf8_and_is_asked_about() -> None:
    found = find_encoding(io.BytesIO("id,text\n1,größe\n2,ok\n3,ü".encode()[:-1]))
    assert (found.codec, found.bad_line) == ("utf-8-sig", 4)
    assert "cut off" in found.question


def test_a_few_letters_that_two_scripts_could_have_are_asked_about() -> None:
    found = find_encoding(io.BytesIO("id,טקסט\n1,טוב מאוד ומהיר\n2,רע מאוד\n".encode("cp1255")))
    assert found.question and "cp1255" in (found.codec, *found.others)


def test_a_character_cut_at_the_end_of_the_file_is_not_utf8() -> None:
    assert find_encoding(io.BytesIO("a\nb\nGröße".encode()[:-5] + b"\xc3")).bad_line == 3


def test_a_glance_reads_only_the_beginning() -> None:
    content = b"a" * 400_000 + b"\xff"
    assert find_encoding(io.BytesIO(content), glance=True).bad_line == 0
    assert find_encoding(io.BytesIO(content)).bad_line == 1


def test_an_encoding_can_be_named_as_people_do() -> None:
    codecs = [named_encoding(name).codec for name in ("Windows-1251", "utf8", "GBK", "Mac Roman", "koi8-r")]
    assert codecs == ["cp1251", "utf-8-sig", "gb18030", "mac_roman", "koi8_r"]
    for name in ("no such", "rot13", "base64", "zip"):
        with pytest.raises(InputError, match="no encoding"):
            named_encoding(name)
