"""Does every language cost the same? A model reads, and is paid for, by the token. Here the same sentences stand in
several languages, and each tokenizer says how many tokens it needs.

Where does the difference come from? A vocabulary learned from English cuts English into words and other scripts into
bytes. The same content then takes two, five or ten times as many tokens: less of it fits into the model's window, and
it costs more.

Notice that the comparison is by sentence, not by character: a Chinese character carries more than a Latin letter, so
that tokens per character alone would mislead. The tax is the number of tokens divided by that of the first language.
"""

from pydantic import BaseModel, Field

from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization.counts import count
from playground.domain.tokenization.tokenizer import Shelf
from playground.exhibits.tokens._choice import TokenizerIds


class Language(Knobs):
    """A language by its BCP 47 tag, and the same content in it."""

    tag: str = Field(min_length=1, max_length=16, pattern=r"^[A-Za-z0-9-]+$")
    text: str = Field(min_length=1, max_length=2_000)


# Written for this exhibit: everyday sentences with the same content in each language.
PARALLEL = [
    Language(tag="en", text="The old bridge is closed today. Please take the boat. Can you read this sign?"),
    Language(tag="zh", text="老桥今天关闭。请坐船。你能看懂这块牌子吗？"),
    Language(tag="es", text="El puente viejo está cerrado hoy. Tome el barco, por favor. ¿Puede leer este cartel?"),
    Language(
        tag="de", text="Die alte Brücke ist heute gesperrt. Bitte nehmen Sie das Boot. Können Sie dieses Schild lesen?"
    ),
    Language(
        tag="ru", text="Старый мост сегодня закрыт. Пожалуйста, садитесь на лодку. Вы можете прочитать эту вывеску?"
    ),
    Language(tag="ar", text="الجسر القديم مغلق اليوم. من فضلك اركب القارب. هل تستطيع قراءة هذه اللافتة؟"),
    Language(tag="hi", text="पुराना पुल आज बंद है। कृपया नाव से जाइए। क्या आप यह बोर्ड पढ़ सकते हैं?"),
    Language(tag="ja", text="古い橋は今日は閉鎖されています。船に乗ってください。この看板が読めますか？"),
    Language(tag="ko", text="오래된 다리는 오늘 닫혀 있습니다. 배를 타세요. 이 표지판을 읽을 수 있습니까?"),
    Language(tag="th", text="สะพานเก่าปิดวันนี้ กรุณานั่งเรือ คุณอ่านป้ายนี้ออกไหม"),
]


class Params(Knobs):
    """The sentences, and who cuts them."""

    tokenizers: TokenizerIds = Field(["bpe-en", "bpe-mixed", "unigram-mixed", "byte"], title="Tokenizers")
    languages: list[Language] = Field(PARALLEL, title="Languages", min_length=1, max_length=24)


class Row(BaseModel):
    """One language in one tokenizer. `tax` is tokens over the first language's; `unknown` tokens carry nothing."""

    tag: str
    tokens: int
    characters: int
    bytes: int
    unknown: int
    tokens_per_character: float | None
    tax: float | None


class Table(BaseModel):
    """One tokenizer: a row for each language."""

    id: str
    rows: list[Row]


class Result(BaseModel):
    """One table for each tokenizer."""

    tables: list[Table]


def run(params: Params, shelf: Shelf) -> Result:
    """Cut every text with every tokenizer, without the tokens put around it."""
    tables = []
    for id in params.tokenizers:
        tokenizer = shelf.open(id)
        counts = [count(tokenizer.cut(language.text, special=False)) for language in params.languages]
        first = counts[0].tokens
        rows = [
            Row(
                tag=language.tag,
                tokens=found.tokens,
                characters=found.characters,
                bytes=found.bytes,
                unknown=found.unknown,
                tokens_per_character=found.tokens_per_character,
                tax=round(found.tokens / first, 3) if first else None,
            )
            for language, found in zip(params.languages, counts, strict=True)
        ]
        tables.append(Table(id=id, rows=rows))
    return Result(tables=tables)


exhibit = Exhibit(
    title="The language tax",
    summary="The same sentences in many languages: how many tokens each tokenizer asks for.",
    run=run,
)
