"""A folder of a Whisper model, held against itself before transformers reads it, and what it has loaded after that.

transformers takes much in silence: a tokeniser without tokens, weights that the file does not have and so are random,
sizes for which it asks for all memory there is. Each is a line here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from megaasr import one_line

CONFIG, GENERATION, FEATURES = "config.json", "generation_config.json", "preprocessor_config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
READ = frozenset({".json", ".txt", ".safetensors"})
"""Suffixes of the files that decide what a model is."""
MOST_BYTES = 50_000_000
"""Largest JSON file that is read; the tokeniser of Whisper has 2.5 million."""
_LAYER = re.compile(r"(encoder|decoder)\.layers\.(\d+)\.")

Size = Annotated[int, Field(ge=1, le=100_000)]
Token = Annotated[int, Field(ge=0, strict=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class FolderError(ValueError):
    """What is wrong with a model folder, and in which of its files."""


class Sizes(BaseModel):
    """The sizes of a Whisper in config.json."""

    model_config = ConfigDict(extra="ignore")

    model_type: Literal["whisper"]
    d_model: Size
    encoder_layers: Annotated[int, Field(ge=1, le=256)]
    decoder_layers: Annotated[int, Field(ge=1, le=256)]
    encoder_attention_heads: Size
    decoder_attention_heads: Size
    encoder_ffn_dim: Size
    decoder_ffn_dim: Size
    vocab_size: Annotated[int, Field(ge=1, le=1_000_000)]
    num_mel_bins: Annotated[int, Field(ge=1, le=512)]
    max_source_positions: Annotated[int, Field(ge=1, le=1500)]
    max_target_positions: Size
    dropout: Share = 0.0
    attention_dropout: Share = 0.0
    activation_dropout: Share = 0.0
    encoder_layerdrop: Share = 0.0
    decoder_layerdrop: Share = 0.0


class Features(BaseModel):
    """Whisper's features, which the encoder's positions are made for."""

    model_config = ConfigDict(extra="ignore")

    feature_size: int = 80
    sampling_rate: Literal[16_000] = 16_000
    n_fft: Literal[400] = 400
    hop_length: Literal[160] = 160
    chunk_length: Literal[30] = 30
    padding_side: Literal["right"] = "right"
    padding_value: Literal[0] = 0


class Tokens(BaseModel):
    """The special tokens in generation_config.json."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    eos_token_id: Token | Annotated[list[Token], Field(min_length=1)]
    decoder_start_token_id: Token
    no_timestamps_token_id: Token
    is_multilingual: bool
    suppress_tokens: list[Token] | None = None
    begin_suppress_tokens: list[Token] | None = None
    lang_to_id: dict[str, Token] | None = None
    task_to_id: dict[str, Token] | None = None


def check_folder(folder: Path) -> None:
    """FolderError for a local folder whose files are damaged, missing, or do not go together."""
    if (folder / "adapter_config.json").exists():
        raise FolderError("it holds adapter_config.json; give an adapter by --adapter, or remove the file")
    sizes = _parsed(Sizes, _object(folder / CONFIG), CONFIG)
    for side in ("encoder", "decoder"):
        heads = getattr(sizes, f"{side}_attention_heads")
        if sizes.d_model % heads:
            raise FolderError(f"{CONFIG}: {side}_attention_heads = {heads} does not divide d_model = {sizes.d_model}")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", GENERATION):
        if (folder / name).exists() or (folder / name).is_symlink():
            _object(folder / name)
    if not (folder / "tokenizer.json").is_file():
        for name in ("vocab.json", "merges.txt"):
            if not (folder / name).is_file():
                raise FolderError(f"tokenizer.json is missing (and so is {name}); copy those of the model it came from")
    _check_features(folder, sizes)
    _check_shapes(dict(_shapes(folder)), sizes)


def model_files(source: str) -> list[Path]:
    """The files that transformers reads of a model: of a folder, or of a hub id's copy in the cache; sorted."""
    folder = Path(source)
    if not folder.is_dir():
        from huggingface_hub import try_to_load_from_cache

        config = try_to_load_from_cache(source, CONFIG)
        if not isinstance(config, str):  # it was never loaded
            return []
        folder = Path(config).parent
    return sorted(file for file in folder.iterdir() if file.suffix in READ and file.is_file())


def _check_features(folder: Path, sizes: Sizes) -> None:
    found = folder / FEATURES
    if not found.exists() and (folder / "processor_config.json").exists():
        found = folder / "processor_config.json"
    data = _object(found)
    features = _parsed(Features, data.get("feature_extractor", data), found.name)
    if features.feature_size != sizes.num_mel_bins:
        raise FolderError(
            f"{found.name}: feature_size = {features.feature_size}, and {CONFIG} says num_mel_bins = "
            f"{sizes.num_mel_bins}; copy those of the model it came from"
        )


def _shapes(folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and shape of every tensor, from the heads of the files alone."""
    from safetensors import SafetensorError, safe_open

    names = [WEIGHTS]
    if not (folder / WEIGHTS).exists() and (folder / INDEX).exists():
        listed = _object(folder / INDEX).get("weight_map")
        if not isinstance(listed, dict) or not all(isinstance(one, str) for one in listed.values()):
            raise FolderError(f"{INDEX}: weight_map must be an object of tensor -> file")
        names = sorted(set(listed.values()))
    for name in names:
        if "/" in name or not (folder / name).is_file():
            raise FolderError(f"{name} is missing, or no file of the folder; get a complete copy")
        try:
            with safe_open(folder / name, framework="pt") as file:
                yield from ((key, tuple(file.get_slice(key).get_shape())) for key in file.keys())  # noqa: SIM118
        except (SafetensorError, OSError, ValueError) as error:
            raise FolderError(f"{name}: {one_line(error)}; get a complete copy") from error


def _check_shapes(shapes: dict[str, tuple[int, ...]], sizes: Sizes) -> None:
    """FolderError where the weights do not have the sizes of the config."""
    found = {name.removeprefix("model."): shape for name, shape in shapes.items()}
    width = sizes.d_model
    due = {
        "decoder.embed_tokens.weight": (sizes.vocab_size, width),
        "decoder.embed_positions.weight": (sizes.max_target_positions, width),
        "encoder.embed_positions.weight": (sizes.max_source_positions, width),
        "encoder.conv1.weight": (width, sizes.num_mel_bins, 3),
        "encoder.layers.0.fc1.weight": (sizes.encoder_ffn_dim, width),
        "decoder.layers.0.fc1.weight": (sizes.decoder_ffn_dim, width),
    }
    for name, shape in due.items():
        if found.get(name) != shape:
            have = f"has shape {found[name]}" if name in found else "is missing"
            raise FolderError(f"{WEIGHTS}: model.{name} {have}, {CONFIG} says {shape}; copy both from one model")
    layers: dict[str, set[int]] = {"encoder": set(), "decoder": set()}
    for name in found:
        if match := _LAYER.match(name):
            layers[match[1]].add(int(match[2]))
    for side, numbers in layers.items():
        if numbers != set(range(getattr(sizes, f"{side}_layers"))):
            raise FolderError(
                f"{WEIGHTS} has {len(numbers)} layers in the {side}, {CONFIG} says {getattr(sizes, f'{side}_layers')}; "
                "copy both from one model"
            )


def check_loaded(model: Any, processor: Any, report: dict[str, Any]) -> None:
    """FolderError where a loaded model is not whole: weights that the file does not have, tokens that are none."""
    missing = sorted(report.get("missing_keys", ())) + sorted(str(one) for one in report.get("mismatched_keys", ()))
    if missing:
        raise FolderError(f"{WEIGHTS}: {len(missing)} weights are missing or misshapen, such as {missing[0]}")
    own = model.generation_config
    for needed in ("is_multilingual", "no_timestamps_token_id"):
        if not hasattr(own, needed):
            raise FolderError(f"its {GENERATION} lacks {needed}; copy the one of the model it came from")
    tokens = _parsed(Tokens, own, GENERATION)
    vocabulary, tokenizer = model.config.vocab_size, processor.tokenizer
    special = [tokens.decoder_start_token_id, tokens.no_timestamps_token_id]
    if tokens.is_multilingual:
        if not tokens.lang_to_id or "transcribe" not in (tokens.task_to_id or {}):
            raise FolderError(f"{GENERATION}: is_multilingual needs lang_to_id, and task_to_id with 'transcribe'")
        special += [*tokens.lang_to_id.values(), *(tokens.task_to_id or {}).values()]
    end = tokens.eos_token_id if isinstance(tokens.eos_token_id, int) else tokens.eos_token_id[0]
    largest = max([end, *special, *(tokens.suppress_tokens or ()), *(tokens.begin_suppress_tokens or ())])
    if largest >= vocabulary:
        raise FolderError(f"{GENERATION}: token {largest} is outside the vocabulary of {vocabulary}")
    if len(tokenizer) > vocabulary or max([end, *special]) >= len(tokenizer):
        raise FolderError(
            f"its tokenizer has {len(tokenizer)} tokens, the model {vocabulary}, and {GENERATION} names token "
            f"{max([end, *special])}; copy the tokenizer of the model it came from"
        )
    if None in tokenizer.convert_ids_to_tokens(list(range(end))) or tokenizer.convert_ids_to_tokens(end) is None:
        raise FolderError("its tokenizer lacks tokens below the end of text; copy that of the model it came from")


def _object(path: Path) -> dict[str, Any]:
    """A JSON object; FolderError when the file is missing, no file, too large, or holds something else."""
    if not path.is_file():
        what = "is no file" if path.exists() or path.is_symlink() else "is missing"
        raise FolderError(f"{path.name} {what}; copy that of the model it came from")
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise FolderError(f"{path.name} has {size} bytes, at most {MOST_BYTES} are read")
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError) as error:
        raise FolderError(f"{path.name}: {one_line(error)[:120]}") from error
    except FolderError:
        raise
    except ValueError as error:
        raise FolderError(f"{path.name} is not JSON ({one_line(error)[:120]}); get a complete copy") from error
    if not isinstance(data, dict):
        raise FolderError(f"{path.name}: a JSON object is expected; get a complete copy")
    return data


def _parsed(model: type[Any], data: Any, name: str) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise FolderError(f"{name}: {where} = {repr(fault['input'])[:60]}: {fault['msg']}") from error
