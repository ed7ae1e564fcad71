"""The terms of DG-WGPO as they are written with jiwer and plain Python, without megaasr."""

from __future__ import annotations

from collections.abc import Sequence

import jiwer
from rapidfuzz.distance import Levenshtein

TAU = 0.3
MIN_SIMILARITY = 0.5
SOFT_WEIGHT = 0.4
DYNAMIC_WEIGHT = 0.6


def dg_wgpo(hypotheses: Sequence[str], references: Sequence[str]) -> list[float]:
    """The reward of each pair; references are not empty. One call of jiwer aligns all pairs."""
    output = jiwer.process_words(list(references), list(hypotheses))
    return [_one(*pair) for pair in zip(output.references, output.hypotheses, output.alignments, strict=True)]


def _one(reference: list[str], hypothesis: list[str], alignment: list[jiwer.AlignmentChunk]) -> float:
    hits = substitutions = soft = deletions = insertions = 0
    for chunk in alignment:
        length = max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
        if chunk.type == "equal":
            hits += length
        elif chunk.type == "delete":
            deletions += length
        elif chunk.type == "insert":
            insertions += length
        else:
            substitutions += length
            wanted = reference[chunk.ref_start_idx : chunk.ref_end_idx]
            given = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
            for one, other in zip(wanted, given, strict=True):
                if 1 - Levenshtein.distance(one, other) / max(len(one), len(other)) >= MIN_SIMILARITY:
                    soft += 1
    error_rate = (substitutions + deletions + insertions) / len(reference)
    hard = substitutions - soft + deletions + insertions
    fine = hits / (hits + hard + SOFT_WEIGHT * soft + 1e-8)
    order = longest_common_subsequence(hypothesis, reference) / len(reference)
    length_part = max(0.0, 1 - abs(len(hypothesis) - len(reference)) / len(reference))
    structure = 0.5 * order + 0.5 * length_part
    dynamic = 0.75 * fine + 0.25 * structure if error_rate < TAU else 0.25 * fine + 0.75 * structure
    static = 0.0 if has_loop(hypothesis) else 1 - error_rate
    return (1 - DYNAMIC_WEIGHT) * static + DYNAMIC_WEIGHT * dynamic


def longest_common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """Its length, by the table of the textbook, one row at a time."""
    row = [0] * (len(other) + 1)
    for token in one:
        above, row = row, [0]
        for column, against in enumerate(other):
            row.append(above[column] + 1 if token == against else max(above[column + 1], row[column]))
    return row[-1]


def has_loop(tokens: Sequence[str], longest: int = 12) -> bool:
    """Whether a word stands six times in a row, or a longer unit three times."""
    for size in range(1, min(longest, len(tokens) // 2) + 1):
        needed = 6 if size == 1 else 3
        for start in range(len(tokens) - needed * size + 1):
            unit = tokens[start : start + size]
            if all(tokens[start + k * size : start + (k + 1) * size] == unit for k in range(1, needed)):
                return True
    return False
