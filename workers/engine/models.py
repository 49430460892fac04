"""Networks from their dimensions: standard transformers models, so that what is trained here opens anywhere."""

import torch
from torch import Tensor
from transformers.modeling_utils import PreTrainedModel
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.gpt2.configuration_gpt2 import GPT2Config
from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaForCausalLM

from playground.domain.presets import Shape
from workers.engine import attention, encoders
from workers.engine.batches import Tensors, visible


def configure(
    shape: Shape, dropout: float, end_of_text: int | None, pad: int | None = None
) -> GPT2Config | LlamaConfig | BertConfig:
    """The transformers configuration of a shape; `end_of_text` is the id that begins and ends a document."""
    if shape.architecture == "bert":
        return encoders.configure(shape, dropout, pad)
    if shape.architecture == "gpt2":
        return GPT2Config(
            vocab_size=shape.vocab_size,
            n_positions=shape.block_size,
            n_embd=shape.d_model,
            n_layer=shape.n_layer,
            n_head=shape.n_head,
            n_inner=shape.d_ff,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            bos_token_id=end_of_text,
            eos_token_id=end_of_text,
            tie_word_embeddings=shape.tie,
        )
    return LlamaConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.d_model,
        intermediate_size=shape.d_ff,
        num_hidden_layers=shape.n_layer,
        num_attention_heads=shape.n_head,
        num_key_value_heads=shape.n_kv_head,
        max_position_embeddings=shape.block_size,
        attention_dropout=dropout,
        bos_token_id=end_of_text,
        eos_token_id=end_of_text,
        pad_token_id=None,
        tie_word_embeddings=shape.tie,
    )


def build(
    shape: Shape, dropout: float, end_of_text: int | None, seed: int, device: torch.device, pad: int | None = None
) -> PreTrainedModel:
    """A network with fresh fp32 weights, which are a pure function of its shape and the seed."""
    config = configure(shape, dropout, end_of_text, pad)
    torch.manual_seed(seed)
    with torch.device(device):
        model: PreTrainedModel
        match config:
            case BertConfig():
                model = encoders.network(config, pairs=shape.pairs)
            case GPT2Config():
                model = GPT2LMHeadModel(config)
            case _:
                model = LlamaForCausalLM(config)
    model.set_attn_implementation(attention.NAME)
    return model


def hidden_states(model: PreTrainedModel, batch: Tensors, *, causal: bool) -> Tensor:
    """(batch, block, width): what the last block says about each position, before the output layer."""
    given = {"input_ids": batch.inputs, "use_cache": False}
    if batch.positions is not None:
        given["position_ids"] = batch.positions
    if batch.documents is not None:
        given["attention_mask"] = visible(batch.documents, model.dtype, causal=causal)
    states: Tensor = model.base_model(**given).last_hidden_state
    return states
