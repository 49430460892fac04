"""A model folder as the domain's `LanguageModel`, through which exhibits see it; and as a writer of text.

The folder is opened read-only, in fp32, with transformers' own attention: what an exhibit shows is what anybody gets
who opens the folder elsewhere.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from playground.domain.errors import BadInput
from playground.domain.exhibit import Token
from workers.engine import adapters, encoders
from workers.engine.fill import Filler
from workers.engine.manner import Manner
from workers.engine.spelling import Spelling


class TransformersModel:
    """A network with its tokenizer, in memory; of an adapter's folder, that of `base` with the adapter over it.

    A masked model has tokens and fills in blanks; what only a decoder can do, it refuses.
    """

    def __init__(self, folder: Path, base: Path | None = None) -> None:
        self._adapted: Any = None
        if base is None:
            factory: Any = AutoModelForMaskedLM if encoders.is_masked(folder) else AutoModelForCausalLM
            self.network = factory.from_pretrained(
                str(folder),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                attn_implementation="sdpa",
            ).eval()
        else:
            self._adapted = adapters.open_adapter(base, folder, attn_implementation="sdpa")
            self.network = self._adapted.get_base_model()
        self.tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.spelling = Spelling(self.tokenizer)
        self.manner = Manner(folder)

    def without_adapter(self) -> AbstractContextManager[None]:
        """While it holds, the base answers. Raises BadInput for a model that has no adapter."""
        if self._adapted is None:
            raise BadInput("This model has no adapter that could be left out.", {"adapter": ["There is none."]})
        left_out: AbstractContextManager[None] = self._adapted.disable_adapter()
        return left_out

    @property
    def masked(self) -> bool:
        """Whether it fills in blanks in place of writing on."""
        return self.network.config.model_type in encoders.MASKED

    def must_write(self) -> None:
        """Raise BadInput for a model that cannot continue a text."""
        if self.masked:
            said = "This model fills in blanks and cannot write on: take a language model."
            raise BadInput(said, {"model": [said]})

    def fill(self, text: str, count: int) -> dict[str, Any]:
        """The likeliest words for the blanks of a text, see `Filler`. Raises BadInput for a model without a mask."""
        if not self.masked:
            said = "This model writes on and cannot fill in blanks: take a masked model."
            raise BadInput(said, {"model": [said]})
        return Filler(self.network, self.tokenizer).fill(text, count)

    @property
    def vocab_size(self) -> int:
        """Number of tokens that the network tells apart."""
        return int(self.network.config.vocab_size)

    @property
    def context(self) -> int:
        """The longest text, in tokens, that the network can read at once."""
        return int(self.network.config.max_position_embeddings)

    @property
    def bytes(self) -> int:
        """Memory that the weights take."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.network.parameters())

    @property
    def ends(self) -> frozenset[int]:
        """Tokens after which a text is over."""
        ids = self.network.config.eos_token_id
        named = self.tokenizer.token_to_id(self.manner.end) if self.manner.end else None
        found = [*(ids if isinstance(ids, list) else [ids]), named]
        return frozenset(index for index in found if index is not None)

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, without added special tokens. Raises BadInput when it exceeds the context."""
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        if len(encoding.ids) > self.context:
            said = f"The text has {len(encoding.ids):,} tokens, and this model sees {self.context:,} at once."
            raise BadInput(said, {"text": [said]})
        writer = self.spelling.writer()
        found = []
        for index, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            special = self.spelling.is_special(index)
            spelled = self.spelling.spell(index)
            found.append(Token(index, writer.add(index), start, end, spelled, special))
        return found

    def token_text(self, token: int) -> str:
        """What can be shown for one token of the vocabulary, standing alone."""
        return self.spelling.alone(token)

    def rows(self, ids: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(n, width) twice: the tokens' rows of the input table and of the output table, which may be one."""
        self.must_write()
        chosen = torch.tensor(list(ids), dtype=torch.long)
        tables = (self.network.get_input_embeddings(), self.network.get_output_embeddings())
        inner, outer = (table.weight.detach()[chosen].float().numpy() for table in tables)
        return inner, outer

    @torch.no_grad()
    def grown_log_probabilities(
        self, ids: Sequence[int], inner: NDArray[np.float32], outer: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(len(ids), vocab_size + 1): as `next_log_probabilities`, where token `vocab_size` has these (width,) rows."""
        self.must_write()
        tokens, new = torch.tensor([list(ids)]), self.vocab_size
        if tokens.shape[1] > self.context:
            said = f"The text has {tokens.shape[1]:,} tokens, and this model sees {self.context:,} at once."
            raise BadInput(said, {"text": [said]})
        embedded = self.network.get_input_embeddings()(tokens.clamp(max=new - 1))
        embedded[tokens == new] = torch.from_numpy(inner).to(embedded.dtype)
        out = self.network(inputs_embeds=embedded, use_cache=False, output_hidden_states=True)
        more = out.hidden_states[-1][0] @ torch.from_numpy(outer).to(embedded.dtype)
        logits = torch.cat([out.logits[0], more[:, None]], dim=1)
        log_p: NDArray[np.float32] = torch.log_softmax(logits.float(), dim=-1).numpy()
        return log_p

    @torch.no_grad()
    def next_log_probabilities(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """(len(ids), vocab_size): for every prefix, the log-probability (nats) of each possible next token.

        Raises BadInput for a masked model, which knows no next token.
        """
        self.must_write()
        logits = self.network(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0]
        log_p: NDArray[np.float32] = torch.log_softmax(logits.float(), dim=-1).numpy()
        return log_p
