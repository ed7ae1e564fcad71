"""Chinese numbers: every way to write one gives the same tokens, and another number gives others."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from megaasr.library.normalisers.chinese import Chinese
from megaasr.library.normalisers.chinese_numbers import NUMBER, in_digits, value

FINANCIAL = str.maketrans("一二三四五六七八九十百千", "壹贰叁肆伍陆柒捌玖拾佰仟")
TRADITIONAL = str.maketrans("万亿两", "萬億兩")
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def normalised(text: str) -> str:
    return Chinese().normalise(text, "zh")


def section_words(number: int) -> str:
    """1 to 9999 in words, by its digits from the left, a zero where digits are missing inside."""
    words, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            words += ("零" if gap and words else "") + "零一二三四五六七八九"[digit] + name
        gap = digit == 0
    return words


def in_words(number: int) -> str:
    """0 to 10^12 - 1 in the words of a grammar book: 一十 at the beginning is 十."""
    if number == 0:
        return "零"
    words, last = "", 0
    for unit, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        section = number // unit % 10**4
        if section:
            words += ("零" if words and (section < 1000 or last == 0) else "") + section_words(section) + name
        last = section
    return words.removeprefix("一") if words.startswith("一十") else words


def writings(number: int) -> list[str]:
    """The same number as people and machines write it."""
    words, digits = in_words(number), str(number)
    found = [
        digits,
        f"{number:,}",
        digits.translate(WIDE),
        words,
        words.replace("零", "〇"),
        words.translate(TRADITIONAL),
    ]
    found.append(words.replace("二百", "两百").replace("二千", "两千").replace("二万", "两万").replace("二亿", "两亿"))
    if number >= 100:
        found.append(words.translate(FINANCIAL))
    if words.startswith("十"):
        found.append("一" + words)
    for unit, name in ((10**4, "万"), (10**8, "亿")):
        if number >= unit:
            whole, rest = divmod(number, unit)
            decimals = str(rest).zfill(len(str(unit)) - 1).rstrip("0")
            found.append(f"{whole}{name}" if not rest else f"{whole}.{decimals}{name}")
    if number >= 10**4 and number % 10**4 >= 10:  # 2万5 is 25000
        found.append(f"{number // 10**4}万{number % 10**4}")
    return found


def same(number: int) -> None:
    for written in writings(number):
        assert normalised(written + "人") == f"{number}人", written


@pytest.mark.parametrize("start", range(0, 1200, 300))
def test_every_writing_of_a_small_number_is_the_number(start):
    for number in range(start, start + 300):
        same(number)


@pytest.mark.parametrize(
    "number",
    [
        n
        for unit in (10**3, 10**4, 10**5, 10**6, 10**7, 10**8)
        for n in (unit - 1, unit, unit + 1, unit * 2, unit + unit // 10)
    ],
)
def test_every_writing_of_a_number_at_the_bounds_of_the_units_is_the_number(number):
    same(number)


@given(st.integers(0, 10**8))
@example(10_005)
@example(20_020_020)
@example(10_500_000)
@example(99_999_999)
def test_every_writing_of_a_number_from_zero_to_a_hundred_million_is_the_number(number):
    same(number)


@given(st.integers(10**8, 10**12 - 1))
def test_numbers_of_hundreds_of_millions_have_a_value(number):
    words = in_words(number)
    assert NUMBER.fullmatch(words)
    assert value(words) == number


@given(st.integers(0, 10**8), st.integers(0, 10**8))
def test_different_numbers_stay_different(one, other):
    assert (normalised(in_words(one)) == normalised(str(other))) == (one == other)


@given(st.lists(st.sampled_from("零一二三四五六七八九〇"), min_size=3, max_size=12))
def test_digits_one_by_one_are_the_digits(digits):
    assert normalised("".join(digits)) == "".join(
        str("零一二三四五六七八九".find(d if d != "〇" else "零")) for d in digits
    )


@given(st.text(alphabet="零〇一二两十百千万亿点半几第0123456789.%", max_size=14))
def test_any_row_of_numerals_is_taken_and_is_stable(text):
    assert normalised(normalised(text)) is not None
    assert all(part.isalnum() for part in normalised(text))


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("一百五", "150"), ("三万五", "35000"), ("一亿二", "120000000"), ("两千三", "2300"), ("一百零五", "105"),
        ("2万5", "25000"), ("2千3百", "2300"), ("1亿2000万", "120000000"), ("十万8千", "108000"), ("5千", "5000"),
        ("三点五万", "35000"), ("1.2万亿", "1200000000000"), ("三十四十", "3040"), ("三四百", "3400"), ("廿五", "25"),
    ],
)  # fmt: skip
def test_short_and_mixed_writings(words, digits):
    assert in_digits(words) == digits


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("十个人", "10个人"), ("两个", "2个"), ("十几个", "10几个"), ("二十多岁", "20多岁"), ("第二十一届", "第21届"),
        ("百分之百", "100%"), ("百分之三点五", "3.5%"), ("百分之十", "百分之10"), ("负百分之五", "-5%"),
        ("千分之三", "3‰"),
        ("万分之一", "1/10000"), ("四分之三", "¾"), ("三百分之一", "1/300"), ("百分之十到二十", "10-20%"),
        ("十点二十", "10点20"), ("三点一刻", "3点1刻"), ("十点零五分", "10:05"), ("八点三十分", "08：30"),
        ("八点", "8:00"),
        ("五月三号", "5月3号"), ("五月三日", "05月03日"), ("二〇二六年五月三日", "2026/5/3"), ("九八年", "98年"),
        ("零下五度", "零下5度"), ("气温负五度", "气温–5度"), ("三点一四", "3.14"), ("零点五", "0.5"), ("三比二", "3:2"),
        ("五公里", "5km"), ("二十摄氏度", "20℃"), ("一千美元", "$1,000"), ("一点都不好", "1点都不好"),
        ("三四个", "3、4个"),
        ("零一零八八八八六六六六", "010-88886666"), ("九一一", "911"), ("三十 个 人", "30个人"), ("十分好", "10分好"),
    ],
)  # fmt: skip
def test_both_writings_are_the_same_words(one, other):
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("三点开会", "三开会"), ("五号", "五日"), ("十点半", "十点"), ("百分之十", "百分之二十"),
        ("百分之十", "千分之十"),
        ("负五", "五"), ("三点五", "三十五"), ("三分之一", "三分之二"), ("第三", "三"), ("两个人", "两人"),
        ("十几个", "十个"),
        ("10-20", "1020"), ("三千克", "三公斤"),
    ],
)  # fmt: skip
def test_another_word_is_an_error(one, other):
    assert normalised(one) != normalised(other)


@pytest.mark.parametrize(
    "word", ["千万别去", "万一", "上百人", "千家万户", "百货", "万分感谢", "大陆", "收拾", "幺妹", "参加"]
)
def test_words_that_hold_numerals_keep_their_length(word):
    assert len(normalised(word)) == len(word)
