"""megaasr: speech recognition that holds up on bad recordings; simulate, train, route, transcribe.

The names in this package are the public interface for library users and plugin authors; plugins import nothing else.
Each name is imported from its module when it is first used, so that the command line starts fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from megaasr_core import __version__ as __version__

if TYPE_CHECKING:
    from megaasr.library.composed_reward import ComposedReward as ComposedReward
    from megaasr.library.kernel_cache import use_kernel_cache as use_kernel_cache
    from megaasr.library.long_recordings import cut as cut
    from megaasr.library.reward_composition import compose as compose
    from megaasr.library.reward_terms import Switch as Switch
    from megaasr.library.reward_terms import Term as Term
    from megaasr.library.term_scores import TermScores as TermScores
    from megaasr.library.term_scores import term_scores as term_scores
    from megaasr_core.base.audio import SAMPLE_RATE_HZ as SAMPLE_RATE_HZ
    from megaasr_core.base.audio import SILENCE_DBFS as SILENCE_DBFS
    from megaasr_core.base.audio import Audio as Audio
    from megaasr_core.base.audio import Samples as Samples
    from megaasr_core.base.audio import level_dbfs as level_dbfs
    from megaasr_core.base.audio import resampled_length as resampled_length
    from megaasr_core.base.audio_files import AudioLimits as AudioLimits
    from megaasr_core.base.audio_files import decode_audio as decode_audio
    from megaasr_core.base.audio_files import read_audio as read_audio
    from megaasr_core.base.errors import AdapterError as AdapterError
    from megaasr_core.base.errors import AudioError as AudioError
    from megaasr_core.base.errors import BackendError as BackendError
    from megaasr_core.base.errors import ManifestError as ManifestError
    from megaasr_core.base.errors import MegaasrError as MegaasrError
    from megaasr_core.base.errors import OutputError as OutputError
    from megaasr_core.base.errors import ParameterError as ParameterError
    from megaasr_core.base.errors import PluginError as PluginError
    from megaasr_core.base.errors import RecipeError as RecipeError
    from megaasr_core.base.errors import ScenarioError as ScenarioError
    from megaasr_core.base.errors import UnknownNameError as UnknownNameError
    from megaasr_core.base.errors import one_line as one_line
    from megaasr_core.base.errors import unknown_name as unknown_name
    from megaasr_core.base.files import atomic_path as atomic_path
    from megaasr_core.base.files import read_text as read_text
    from megaasr_core.base.files import temporary_name as temporary_name
    from megaasr_core.base.jsonl import located_lines as located_lines
    from megaasr_core.base.jsonl import parse_json as parse_json
    from megaasr_core.base.jsonl import parse_row as parse_row
    from megaasr_core.base.jsonl import read_rows as read_rows
    from megaasr_core.base.language import is_unspaced as is_unspaced
    from megaasr_core.base.language import language_code as language_code
    from megaasr_core.base.seeding import SampleKey as SampleKey
    from megaasr_core.base.severity import CURVES as CURVES
    from megaasr_core.base.severity import Choice as Choice
    from megaasr_core.base.severity import Range as Range
    from megaasr_core.base.severity import check_severity as check_severity
    from megaasr_core.base.severity import severity_from as severity_from
    from megaasr_core.base.sound_bank import SoundBank as SoundBank
    from megaasr_core.base.sound_bank import SoundRef as SoundRef
    from megaasr_core.base.speech_checks import RepetitionSettings as RepetitionSettings
    from megaasr_core.base.speech_checks import check_text as check_text
    from megaasr_core.base.speech_checks import is_repetitive as is_repetitive
    from megaasr_core.base.speech_checks import loop_tokens as loop_tokens
    from megaasr_core.base.validation import first_fault as first_fault
    from megaasr_core.contracts.abilities import PolicyBackend as PolicyBackend
    from megaasr_core.contracts.abilities import RolloutScores as RolloutScores
    from megaasr_core.contracts.abilities import Sampling as Sampling
    from megaasr_core.contracts.abilities import Stream as Stream
    from megaasr_core.contracts.abilities import StreamingBackend as StreamingBackend
    from megaasr_core.contracts.abilities import StreamUpdate as StreamUpdate
    from megaasr_core.contracts.abilities import TrainableBackend as TrainableBackend
    from megaasr_core.contracts.backend import AdapterReport as AdapterReport
    from megaasr_core.contracts.backend import Backend as Backend
    from megaasr_core.contracts.backend import BackendInfo as BackendInfo
    from megaasr_core.contracts.backend import DecodingOptions as DecodingOptions
    from megaasr_core.contracts.backend import Defaults as Defaults
    from megaasr_core.contracts.backend import Segment as Segment
    from megaasr_core.contracts.backend import Transcript as Transcript
    from megaasr_core.contracts.calls import calling as calling
    from megaasr_core.contracts.calls import checked_rows as checked_rows
    from megaasr_core.contracts.calls import described as described
    from megaasr_core.contracts.degradation import ALL_SCENARIOS as ALL_SCENARIOS
    from megaasr_core.contracts.degradation import Degradation as Degradation
    from megaasr_core.contracts.degradation import Role as Role
    from megaasr_core.contracts.degradation import Step as Step
    from megaasr_core.contracts.degradation import step as step
    from megaasr_core.contracts.engine import ATTEMPTS as ATTEMPTS
    from megaasr_core.contracts.engine import Engine as Engine
    from megaasr_core.contracts.engine import Outcome as Outcome
    from megaasr_core.contracts.primitive import ApplyContext as ApplyContext
    from megaasr_core.contracts.primitive import DrawContext as DrawContext
    from megaasr_core.contracts.primitive import Primitive as Primitive
    from megaasr_core.contracts.reader import LocatedRow as LocatedRow
    from megaasr_core.contracts.reader import Reader as Reader
    from megaasr_core.contracts.recipe import DroppedStep as DroppedStep
    from megaasr_core.contracts.recipe import Recipe as Recipe
    from megaasr_core.contracts.recipe import RecipeStep as RecipeStep
    from megaasr_core.contracts.reward import Reward as Reward
    from megaasr_core.contracts.reward import RewardSample as RewardSample
    from megaasr_core.contracts.reward import Score as Score
    from megaasr_core.contracts.reward import checked_scores as checked_scores
    from megaasr_core.contracts.router import Reviewed as Reviewed
    from megaasr_core.contracts.router import Route as Route
    from megaasr_core.contracts.router import Router as Router
    from megaasr_core.contracts.scenario import Merged as Merged
    from megaasr_core.contracts.scenario import Scenario as Scenario
    from megaasr_core.contracts.scenario import merge as merge
    from megaasr_core.contracts.trainer import InspectableTrainer as InspectableTrainer
    from megaasr_core.contracts.trainer import Trainer as Trainer
    from megaasr_core.contracts.unit import Unit as Unit
    from megaasr_core.contracts.utterance import Utterance as Utterance
    from megaasr_core.discovery.file_plugins import is_plugin_path as is_plugin_path
    from megaasr_core.discovery.file_plugins import plugin_digest as plugin_digest
    from megaasr_core.discovery.hookspecs import hookimpl as hookimpl
    from megaasr_core.discovery.kinds import Kind as Kind
    from megaasr_core.discovery.loading import installed_plugins as installed_plugins
    from megaasr_core.discovery.loading import load_plugins as load_plugins
    from megaasr_core.discovery.plugin_checks import PLUGIN_API as PLUGIN_API
    from megaasr_core.discovery.plugins import Plugins as Plugins
    from megaasr_core.discovery.registry import Owner as Owner
    from megaasr_core.discovery.registry import Registry as Registry
    from megaasr_core.discovery.registry import not_installed as not_installed
    from megaasr_core.flows.hearing import Transcription as Transcription
    from megaasr_core.flows.plan import Planner as Planner
    from megaasr_core.flows.plan import plan as plan
    from megaasr_core.flows.render import Rendered as Rendered
    from megaasr_core.flows.render import render as render
    from megaasr_core.flows.transcriber import ReadAudio as ReadAudio
    from megaasr_core.flows.transcriber import Transcriber as Transcriber

    from .library.alignment import Alignment as Alignment
    from .library.alignment import align as align
    from .library.audio_lengths import measure_audio as measure_audio
    from .library.audio_writing import check_format as check_format
    from .library.audio_writing import write_audio as write_audio
    from .library.cache import cache_folder as cache_folder
    from .library.code_identity import code_identity as code_identity
    from .library.content_digests import content_digest as content_digest
    from .library.coverage import coverage as coverage
    from .library.data_identity import RowsDigest as RowsDigest
    from .library.data_identity import data_identity as data_identity
    from .library.data_identity import rows_digest as rows_digest
    from .library.engine_tools import short as short
    from .library.engine_tools import usable_cores as usable_cores
    from .library.environment import differences as differences
    from .library.environment import environment as environment
    from .library.fingerprints import as_json as as_json
    from .library.fingerprints import fingerprint as fingerprint
    from .library.hardware import hardware as hardware
    from .library.identity_differences import differing_parts as differing_parts
    from .library.json_files import jsonl_line as jsonl_line
    from .library.json_files import read_json as read_json
    from .library.json_files import read_jsonl as read_jsonl
    from .library.json_files import write_json as write_json
    from .library.kernel_compilation import on_compiling as on_compiling
    from .library.manifest_fields import REFERENCE_FIELDS as REFERENCE_FIELDS
    from .library.manifest_fields import audio_name as audio_name
    from .library.manifest_fields import is_usual as is_usual
    from .library.manifest_fields import reference_of as reference_of
    from .library.manifest_lines import manifest_lines as manifest_lines
    from .library.manifest_lines import manifest_text as manifest_text
    from .library.manifest_rows import ManifestRow as ManifestRow
    from .library.manifest_rows import manifest_row as manifest_row
    from .library.manifest_rows import moved_row as moved_row
    from .library.manifest_rows import read_row_audio as read_row_audio
    from .library.manifest_rows import row_name as row_name
    from .library.manifest_rows import utterance_name as utterance_name
    from .library.manifests import BrokenRow as BrokenRow
    from .library.manifests import PluginReader as PluginReader
    from .library.manifests import is_there as is_there
    from .library.manifests import located_rows as located_rows
    from .library.manifests import manifest_reader as manifest_reader
    from .library.manifests import parsed_row as parsed_row
    from .library.manifests import read_clean as read_clean
    from .library.manifests import read_sample as read_sample
    from .library.manifests import tried_rows as tried_rows
    from .library.naming import naming as naming
    from .library.normalisers.base import Normaliser as Normaliser
    from .library.normalisers.characters import plain_text as plain_text
    from .library.ogg_pages import OggPage as OggPage
    from .library.ogg_pages import ogg_checksum as ogg_checksum
    from .library.ogg_pages import ogg_pages as ogg_pages
    from .library.output_checks import check_not_input as check_not_input
    from .library.output_checks import check_outputs as check_outputs
    from .library.output_locks import held_outputs as held_outputs
    from .library.outputs import check_writable as check_writable
    from .library.outputs import is_standard_output as is_standard_output
    from .library.outputs import is_stream as is_stream
    from .library.outputs import text_output as text_output
    from .library.outputs import write_text as write_text
    from .library.pictures import new_figure as new_figure
    from .library.pictures import png_of as png_of
    from .library.progress import progress as progress
    from .library.recording_states import RecordingsState as RecordingsState
    from .library.recording_states import recordings_state as recordings_state
    from .library.recordings import find_recordings as find_recordings
    from .library.recordings import read_standard_input as read_standard_input
    from .library.resumable import resumable_rows as resumable_rows
    from .library.reward_files import read_reward as read_reward
    from .library.run_folder import claim_identity as claim_identity
    from .library.run_folder import refuse_foreign as refuse_foreign
    from .library.run_folder import run_folder as run_folder
    from .library.run_identity import HasContentFiles as HasContentFiles
    from .library.run_identity import plugins_identity as plugins_identity
    from .library.run_identity import transcriber_identity as transcriber_identity
    from .library.run_identity import unit_identity as unit_identity
    from .library.run_records import RunRecord as RunRecord
    from .library.run_records import read_record as read_record
    from .library.run_records import record_path as record_path
    from .library.run_records import write_record as write_record
    from .library.sample_pairs import SamplePair as SamplePair
    from .library.sample_pairs import pairs_of as pairs_of
    from .library.scenarios import find_scenario as find_scenario
    from .library.scenarios import open_scenario as open_scenario
    from .library.scenarios import read_scenario as read_scenario
    from .library.text import is_scored_by_character as is_scored_by_character
    from .library.text import normalise as normalise
    from .library.text import normaliser_version as normaliser_version
    from .library.text import tokenise as tokenise
    from .library.text import use_normalisers_of as use_normalisers_of
    from .library.training import TrainContext as TrainContext
    from .library.training import data_digests as data_digests
    from .library.transcript_checks import compression_ratio as compression_ratio
    from .library.transcript_checks import is_invented as is_invented
    from .library.yaml_files import parse_yaml as parse_yaml
    from .library.yaml_files import read_yaml as read_yaml
    from .lora.files import Lora as Lora
    from .lora.files import read_lora as read_lora
    from .lora.mounting import KeyMap as KeyMap
    from .lora.mounting import mount_lora as mount_lora
    from .lora.mounting import unmount_lora as unmount_lora
    from .lora.mounting import using_lora as using_lora
    from .lora.parts import LoraPart as LoraPart
    from .lora.parts import read_parts as read_parts
    from .quick import degrade as degrade
    from .quick import transcribe as transcribe
    from .reward_functions import reward as reward
    from .scoring import AnyReward as AnyReward
    from .scoring import score as score
    from .scoring import scorer_of as scorer_of
    from .scoring import wer as wer

_NAMES_BY_MODULE = {
    "megaasr.library.alignment": "align Alignment",
    "megaasr.library.audio_lengths": "measure_audio",
    "megaasr.library.audio_writing": "check_format write_audio",
    "megaasr.library.cache": "cache_folder",
    "megaasr.library.code_identity": "code_identity",
    "megaasr.library.content_digests": "content_digest",
    "megaasr.library.coverage": "coverage",
    "megaasr.library.data_identity": "data_identity rows_digest RowsDigest",
    "megaasr.library.engine_tools": "short usable_cores",
    "megaasr.library.environment": "differences environment",
    "megaasr.library.fingerprints": "as_json fingerprint",
    "megaasr.library.hardware": "hardware",
    "megaasr.library.identity_differences": "differing_parts",
    "megaasr.library.json_files": "jsonl_line read_json read_jsonl write_json",
    "megaasr.library.kernel_compilation": "on_compiling",
    "megaasr.library.manifest_lines": "manifest_lines manifest_text",
    "megaasr.library.manifest_fields": "audio_name is_usual REFERENCE_FIELDS reference_of",
    "megaasr.library.manifest_rows": "manifest_row ManifestRow moved_row read_row_audio row_name utterance_name",
    "megaasr.library.manifests": (
        "BrokenRow is_there located_rows manifest_reader parsed_row PluginReader read_clean read_sample tried_rows"
    ),
    "megaasr.library.ogg_pages": "ogg_checksum ogg_pages OggPage",
    "megaasr.library.output_checks": "check_not_input check_outputs",
    "megaasr.library.output_locks": "held_outputs",
    "megaasr.library.outputs": "check_writable is_standard_output is_stream text_output write_text",
    "megaasr.library.naming": "naming",
    "megaasr.library.pictures": "new_figure png_of",
    "megaasr.library.progress": "progress",
    "megaasr.library.recordings": "find_recordings read_standard_input",
    "megaasr.library.recording_states": "recordings_state RecordingsState",
    "megaasr.library.resumable": "resumable_rows",
    "megaasr.library.reward_files": "read_reward",
    "megaasr.library.run_folder": "claim_identity refuse_foreign run_folder",
    "megaasr.library.run_identity": "HasContentFiles plugins_identity transcriber_identity unit_identity",
    "megaasr.library.run_records": "read_record record_path RunRecord write_record",
    "megaasr.library.scenarios": "find_scenario open_scenario read_scenario",
    "megaasr.library.normalisers.base": "Normaliser",
    "megaasr.library.normalisers.characters": "plain_text",
    "megaasr.library.sample_pairs": "pairs_of SamplePair",
    "megaasr.library.text": "is_scored_by_character normalise normaliser_version tokenise use_normalisers_of",
    "megaasr.library.training": "data_digests TrainContext",
    "megaasr.library.transcript_checks": "compression_ratio is_invented",
    "megaasr.library.yaml_files": "parse_yaml read_yaml",
    "megaasr.lora.files": "Lora read_lora",
    "megaasr.lora.parts": "LoraPart read_parts",
    "megaasr.lora.mounting": "KeyMap mount_lora unmount_lora using_lora",
    "megaasr.quick": "degrade transcribe",
    "megaasr.reward_functions": "reward",
    "megaasr.scoring": "AnyReward score scorer_of wer",
    "megaasr_core.base.audio": "Audio level_dbfs resampled_length SAMPLE_RATE_HZ Samples SILENCE_DBFS",
    "megaasr_core.base.audio_files": "AudioLimits decode_audio read_audio",
    "megaasr_core.base.errors": (
        "AdapterError AudioError BackendError ManifestError MegaasrError one_line OutputError "
        "ParameterError PluginError RecipeError ScenarioError unknown_name UnknownNameError"
    ),
    "megaasr_core.base.files": "atomic_path read_text temporary_name",
    "megaasr_core.base.jsonl": "located_lines parse_json parse_row read_rows",
    "megaasr_core.base.language": "is_unspaced language_code",
    "megaasr.library.kernel_cache": "use_kernel_cache",
    "megaasr_core.base.seeding": "SampleKey",
    "megaasr_core.base.severity": "check_severity Choice CURVES Range severity_from",
    "megaasr_core.base.sound_bank": "SoundBank SoundRef",
    "megaasr_core.base.speech_checks": "check_text is_repetitive loop_tokens RepetitionSettings",
    "megaasr_core.base.validation": "first_fault",
    "megaasr_core.contracts.abilities": (
        "PolicyBackend RolloutScores Sampling Stream StreamingBackend StreamUpdate TrainableBackend"
    ),
    "megaasr_core.contracts.backend": ("AdapterReport Backend BackendInfo DecodingOptions Defaults Segment Transcript"),
    "megaasr_core.contracts.calls": "calling checked_rows described",
    "megaasr_core.contracts.degradation": "ALL_SCENARIOS Degradation Role Step step",
    "megaasr_core.contracts.engine": "ATTEMPTS Engine Outcome",
    "megaasr_core.contracts.primitive": "ApplyContext DrawContext Primitive",
    "megaasr_core.contracts.reader": "LocatedRow Reader",
    "megaasr_core.contracts.recipe": "DroppedStep Recipe RecipeStep",
    "megaasr_core.contracts.reward": "checked_scores Reward RewardSample Score",
    "megaasr_core.contracts.router": "Reviewed Route Router",
    "megaasr_core.contracts.scenario": "merge Merged Scenario",
    "megaasr_core.contracts.trainer": "InspectableTrainer Trainer",
    "megaasr_core.contracts.unit": "Unit",
    "megaasr_core.contracts.utterance": "Utterance",
    "megaasr_core.discovery.file_plugins": "is_plugin_path plugin_digest",
    "megaasr_core.discovery.hookspecs": "hookimpl",
    "megaasr_core.discovery.kinds": "Kind",
    "megaasr_core.discovery.loading": "installed_plugins load_plugins",
    "megaasr_core.discovery.plugin_checks": "PLUGIN_API",
    "megaasr_core.discovery.plugins": "Plugins",
    "megaasr_core.discovery.registry": "not_installed Owner Registry",
    "megaasr.library.composed_reward": "ComposedReward",
    "megaasr.library.reward_composition": "compose",
    "megaasr.library.reward_terms": "Switch Term",
    "megaasr_core.flows.hearing": "Transcription",
    "megaasr.library.long_recordings": "cut",
    "megaasr_core.flows.plan": "plan Planner",
    "megaasr_core.flows.render": "render Rendered",
    "megaasr.library.term_scores": "term_scores TermScores",
    "megaasr_core.flows.transcriber": "ReadAudio Transcriber",
}
"""Module -> the names of it that are public; the imports above tell the same to type checkers."""
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}
__all__ = sorted(_MODULE_OF)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
