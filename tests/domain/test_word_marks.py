"""Where words and sentences begin: by the tokenizer's first cut in English, by the dictionary in Chinese."""

from tokenizers import Tokenizer

from playground.domain.word_marks import SENTENCE, WORD, marks
from workers.engine import tokenizer, wordpiece

ENGLISH = "The unhappiness of kings is understandable. A queen remembers everything!\nNobody whispered.\n"
CHINESE = "王后对国王说：我们明天去北京天安门。\n小猫喜欢看月亮，月亮也喜欢小猫。\n"


def word_list(cutter: Tokenizer, text: str) -> list[str]:
    """The text between two beginnings of words."""
    found = marks(cutter.encode(text, add_special_tokens=False), text)
    offsets = cutter.encode(text, add_special_tokens=False).offsets
    starts = [start for (start, _), mark in zip(offsets, found, strict=True) if mark & WORD]
    return [text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def test_chinese_words_are_those_of_the_dictionary_and_english_ones_those_of_the_tokenizer() -> None:
    for algorithm in ("wordpiece", "bpe"):
        cutter = tokenizer.ALGORITHMS[algorithm](iter([CHINESE * 2]), 270)
        words = word_list(cutter, "王后对国王说：我们明天去北京天安门。")
        assert {"王后", "国王", "我们", "明天", "北京", "天安门"} <= set(words)
    cutter = wordpiece.train(iter([(ENGLISH + CHINESE) * 2]), 100)
    assert len(cutter.encode("unhappiness", add_special_tokens=False).ids) > 1
    assert word_list(cutter, "unhappiness of kings") == ["unhappiness", "of", "kings"]
    assert word_list(cutter, "the 国王 said王后")[-2:] == ["said", "王后"]


def test_sentences_begin_where_one_ended() -> None:
    text = 'He came. "Why?" she said.\nNobody knew 3.14 of it! 小猫睡了。月亮出来了。'
    cutter = wordpiece.train(iter([text * 2]), 400)
    found = marks(cutter.encode(text, add_special_tokens=False), text)
    offsets = cutter.encode(text, add_special_tokens=False).offsets
    begun = [text[start:][:4] for (start, _), mark in zip(offsets, found, strict=True) if mark & SENTENCE]
    assert begun == ["He c", '"Why', "she ", "Nobo", "小猫睡了", "月亮出来"]
