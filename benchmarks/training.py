"""The training wing's rows of `RESULTS.md`: ratios to the peers, and what watching a run costs."""

from benchmarks import clm, lora, mlm, overhead
from benchmarks.duel import Laps, ratio, versions
from playground.domain.presets import Architecture

CASES: list[tuple[str, Architecture]] = [("A", "gpt2"), ("A", "llama"), ("B", "gpt2"), ("B", "llama")]


def rates(laps: dict[str, Laps]) -> str:
    """Thousands of tokens a second by contestant."""
    return ", ".join(f"{name} {found.rate / 1000:.1f}k" for name, found in laps.items())


def causal(shape: str, architecture: Architecture) -> list[str]:
    """One shape and architecture, without compiling on either side."""
    laps = clm.measure(shape, architecture).laps
    what = f"CLM {shape} {architecture}, tokens/s over"
    told = f"(over its bf16=True {ratio(laps, 'ours', 'Trainer bf16'):.2f}; {_told(laps)})"
    rows = [
        f"| {what} Trainer's (fp32, its default) | at least 1.9 | **{ratio(laps, 'ours', 'Trainer'):.2f}** {told} |"
    ]
    if "nanoGPT" in laps:
        rows.append(f"| {what} nanoGPT's recipe | at least 1.5 | **{ratio(laps, 'ours', 'nanoGPT'):.2f}** |")
    return rows


def compiled(shape: str, architecture: Architecture) -> list[str]:
    """The same with compiling on both sides; and beside it Trainer as it comes, which does not compile."""
    laps = clm.measure(shape, architecture, compiled=True).laps
    what = f"CLM {shape} {architecture}, compiled, tokens/s over"
    plain, mixed = ratio(laps, "ours", "Trainer"), ratio(laps, "ours", "Trainer bf16")
    default = ratio(laps, "ours", "Trainer default")
    rows = [
        f"| {what} Trainer's as it comes (fp32, not compiled) | at least 2.5 | **{default:.2f}** ({_told(laps)}) |",
        f"| {what} Trainer's, compiled too (fp32) | at least 2.5 | **{plain:.2f}** (over its bf16=True {mixed:.2f}) |",
    ]
    if "nanoGPT" in laps:
        over = ratio(laps, "ours", "nanoGPT")
        rows.append(f"| {what} nanoGPT's recipe, compiled too | at least 2.0 | **{over:.2f}** |")
    return rows


def _told(laps: dict[str, Laps]) -> str:
    return f"tokens/s: {rates(laps)}; {versions('transformers', 'torch')}"


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
