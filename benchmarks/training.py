"""The training wing's rows of `RESULTS.md`: ratios to the peers, and what watching a run costs."""

from benchmarks import clm, lora, mlm, overhead
from benchmarks.duel import Laps, ratio, versions
from playground.domain.presets import Architecture

CASES: list[tuple[str, Architecture]] = [("A", "gpt2"), ("A", "llama"), ("B", "gpt2"), ("B", "llama")]


def rates(laps: dict[str, Laps]) -> str:
    """Thousands of tokens a second by contestant."""
    return ", ".join(f"{name} {found.rate / 1000:.1f}k" for name, found in laps.items())


def causal(shape: str, architecture: Architecture, *, compiled: bool = False) -> list[str]:
    """One shape and architecture, without compiling on either side or with it on both."""
    laps = clm.measure(shape, architecture, compiled=compiled).laps
    plain, mixed = ratio(laps, "ours", "Trainer"), ratio(laps, "ours", "Trainer bf16")
    what = f"CLM {shape} {architecture}{', all compiled' if compiled else ''}, tokens/s over"
    aims = (2.5, 2.0) if compiled else (1.9, 1.5)
    told = f"(over its bf16=True {mixed:.2f}; tokens/s: {rates(laps)}; {versions('transformers', 'torch')})"
    rows = [f"| {what} Trainer's (fp32, its default) | at least {aims[0]} | **{plain:.2f}** {told} |"]
    if "nanoGPT" in laps:
        rows.append(f"| {what} nanoGPT's recipe | at least {aims[1]} | **{ratio(laps, 'ours', 'nanoGPT'):.2f}** |")
    return rows


def masked() -> list[str]:
    """BERT of shape A."""
    laps = mlm.measure()
    plain, mixed = ratio(laps, mlm.OURS, mlm.PLAIN), ratio(laps, mlm.OURS, mlm.MIXED)
    told = f"(over its bf16=True {mixed:.2f}; tokens/s: {rates(laps)}; {versions('transformers')})"
    return [f"| MLM A, tokens/s over Trainer's with its collator (fp32) | at least 2.4 | **{plain:.2f}** {told} |"]


def instructions() -> list[str]:
    """LoRA, and its memory."""
    laps = lora.measure()
    shipped, packed = ratio(laps, lora.OURS, lora.SHIPPED), ratio(laps, lora.OURS, lora.PACKED)
    told = f"(real tokens/s: {rates(laps)}; {versions('trl', 'peft')})"
    peaks = ", ".join(f"{name} {found.peak >> 20} MiB" for name, found in laps.items())
    share = laps[lora.OURS].peak / laps[lora.SHIPPED].peak
    return [
        f"| LoRA SFT, Qwen2 19 M, tokens/s over TRL's as shipped | at least 3.5 | **{shipped:.2f}** {told} |",
        f"| LoRA SFT, tokens/s over TRL's with packing | at least 1.8 | **{packed:.2f}** |",
        f"| LoRA SFT, peak memory over TRL's as shipped | at most 0.5 | **{share:.2f}** ({peaks}) |",
    ]


def watched() -> list[str]:
    """Streaming, probes and checkpoints."""
    cost = overhead.measure()
    return [
        f"| streaming, probes and checkpoints together, share of the time, 1 M preset | at most 5 % | **{cost:.1%}** |"
    ]
