"""Valid rows, scenarios, rewards and configurations, which the kinds of `rows` damage."""

from __future__ import annotations

from typing import Any

MANIFEST: tuple[dict[str, Any], ...] = (
    {"audio": "clip.wav", "text": "hello world", "language": "en", "id": "one", "speaker": "a", "split": "dev"},
    {"audio_path": "other.wav", "answer": "good day", "subset": "sim-zh-noise", "source": "sim", "category": "noise"},
    {"audio": "shard.tar#clip.wav", "text": "a b c", "id": 3, "accent": "none", "duration_s": 0.5},
)
LABELLED: tuple[dict[str, Any], ...] = (
    {
        **{"audio": "clip.wav", "text": "hello world", "id": "one", "language": "en", "duration_s": 0.5},
        **{"scenario": "noise", "severity": 0.3, "effects": ["noise"], "snr_db": 4.5, "flags": ["clipped"]},
        **{"base_text": "hello", "base_wer": 0.5, "base_num_edits": 1, "base_ref_len": 2, "base_flags": ["empty"]},
    },
    {
        "audio": "other.wav",
        "text": "good day",
        "base_wer": 0.0,
        "base_num_edits": 0,
        "base_ref_len": 2,
        "base_flags": [],
    },
)
RESULTS: tuple[dict[str, Any], ...] = (
    {
        **{"audio": "clip.wav", "answer": "hello world", "language": "en", "prediction": "hello", "metric": "wer"},
        **{"wer": 0.5, "num_edits": 1, "ref_len": 2, "substitutions": 0, "insertions": 0, "deletions": 1},
        **{"flags": [], "mean_logprob": -0.4, "route": "base", "adapter": None, "audio_s": 0.5, "decoding_s": 0.1},
        **{"severity": 0.4, "effects": ["noise"], "source": "real", "base_wer": 0.5, "rewards": {"total": 0.3}},
    },
    {
        **{"audio": "other.wav", "text": "good day", "prediction": "good day", "metric": "wer", "wer": 0.0},
        **{"num_edits": 0, "ref_len": 2, "substitutions": 0, "insertions": 0, "deletions": 0, "flags": ["empty"]},
    },
    {"audio": "third.wav", "answer": "x", "error": "third.wav: no such file"},
)
SCENARIO: dict[str, Any] = {
    "name": "hall",
    "effects": ["far_field", "noise"],
    "description": "a hall",
    "overrides": {"noise": {"add_noise": {"snr_db": [20.0, 0.0]}}, "far_field": {}},
}
REWARD: dict[str, Any] = {
    "terms": [
        {"name": "wer_accuracy", "weight": 0.5, "gate": "anti_repetition", "settings": {"floor": -1.0}},
        {
            **{"name": "dual_granularity", "weight": 0.5, "settings": {"tau": 0.5}, "label": "dual"},
            "gate": {"name": "anti_repetition", "settings": {"max_ngram": 8}},
        },
        {
            **{"label": "dynamic", "weight": 0.6},
            "switch": {
                **{"by": "wer", "below": 0.3, "then": {"token_refinement": 0.75, "sentence_reconstruction": 0.25}},
                "else": [{"name": "invention", "weight": 0.5, "gate": "anti_repetition"}, {"name": "wer_accuracy"}],
            },
        },
    ],
    "abstain": "propagate",
}
TRAINER: dict[str, Any] = {
    "training": [{"manifest": "labelled.jsonl", "where": {"split": "train"}, "limit": 5}],
    "dev": [{"name": "dev", "manifest": "dev.jsonl"}],
    "phases": [{"name": "one", "learning_rates": {"encoder": 1e-3}, "max_wer": [0.3, 0.7], "rank": 4, "alpha": 8.0}],
    **{"batch_size": 2, "distil": 0.1, "scales": [1.0, 0.5], "seed": 3, "report_to": []},
}
