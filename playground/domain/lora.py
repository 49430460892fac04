"""Low-rank adapters, counted: which layers one goes into and how many parameters it has.

An adapter leaves a weight matrix W as it is and adds B A to it, A of `rank` rows and B of `rank` columns (Hu et al.,
2021); only A and B are trained. A model's `linear` table says which matrices it has: for each name of a layer, rows of
[inputs, outputs, how many of them].
"""

from collections.abc import Sequence

from playground.domain.errors import BadInput

Linear = dict[str, list[list[int]]]

ALL = "all-linear"
AUTO = "auto"
USUAL = (("q_proj", "v_proj"), ("c_attn",), ("query_key_value",))
"""What `auto` takes, the first that the model has: the projections of attention that Hu et al. found to suffice."""


def targets(linear: Linear, wanted: str | Sequence[str]) -> list[str]:
    """The names of the layers that get an adapter. Raises BadInput for a name that the model does not have."""
    names = sorted(linear)
    if wanted == ALL:
        return names
    if wanted == AUTO:
        return next((list(usual) for usual in USUAL if set(usual) <= set(names)), names)
    asked = [wanted] if isinstance(wanted, str) else list(wanted)
    missing = [name for name in asked if name not in linear]
    if missing or not asked:
        message = f"The base model has no layer named {', '.join(missing)[:200] or '–'}; it has: {', '.join(names)}."
        raise BadInput(message, {"target_modules": [message]})
    return sorted(set(asked))


def parameters(linear: Linear, names: Sequence[str], rank: int) -> int:
    """Trained parameters of adapters of a rank in these layers."""
    return sum(rank * (inner + outer) * count for name in names for inner, outer, count in linear[name])
