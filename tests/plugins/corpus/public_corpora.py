"""Small generated corpora in the layouts of the public corpora."""

import io
import tarfile
import zipfile

import numpy as np
import soundfile

RATE_HZ = 16_000


def sound(path, samples=1_600, channels=1):
    """Write white noise in the format of the file's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(samples)
    soundfile.write(path, 0.1 * rng.standard_normal((samples, channels)), RATE_HZ)


def text(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def librispeech(folder, part="dev-clean"):
    root = folder / "LibriSpeech"
    text(root / "SPEAKERS.TXT", ";ID | SEX | SUBSET | MINUTES | NAME", f"84   | F | {part} | 8.02 | A Reader")
    for speaker, chapter in (("84", "121123"), ("174", "50561")):
        place = root / part / speaker / chapter
        for number in range(2):
            sound(place / f"{speaker}-{chapter}-000{number}.flac", 1_600 + number)
        lines = [f"{speaker}-{chapter}-000{number} WORDS OF {speaker} NUMBER {number}" for number in range(2)]
        text(place / f"{speaker}-{chapter}.trans.txt", *lines)
    return root


def common_voice(folder, language="en"):
    root = folder / "cv-corpus-17.0-2024-03-15" / language
    columns = ("client_id", "path", "sentence", "up_votes", "down_votes", "age", "gender", "accents", "locale")
    clips = {}
    for number, (part, speaker) in enumerate((("train", "a"), ("dev", "b"), ("test", "c"))):
        clips[part] = (speaker * 128, f"common_voice_{number}.mp3", f'Say "{part}".', "2", "0", "", "", "", language)
    more = ("d" * 128, "common_voice_3.mp3", "More.", "2", "0", "twenties", "male_masculine", "Welsh", language)
    again = ("b" * 128, "common_voice_4.mp3", "Of a dev speaker.", "2", "0", "", "", "", language)
    for line in (*clips.values(), more, again):
        sound(root / "clips" / line[1], 4_800)
    for part, line in clips.items():
        text(root / f"{part}.tsv", "\t".join(columns), "\t".join(line))
    text(root / "validated.tsv", "\t".join(columns), *("\t".join(line) for line in (*clips.values(), more, again)))
    return root


def aishell(folder):
    """AISHELL-1 as published: one tar archive for each speaker inside the archive."""
    root = folder / "data_aishell"
    (root / "wav").mkdir(parents=True)
    lines = []
    for part, speaker in (("train", "S0002"), ("dev", "S0724"), ("test", "S0764")):
        name = f"BAC009{speaker}W0121"
        sound(folder / "loose" / part / speaker / f"{name}.wav")
        sound(folder / "loose" / part / speaker / f"{name}0.wav")  # has no transcript
        pack_tar(root / "wav" / f"{speaker}.tar.gz", folder / "loose", part)
        lines.append(f"{name} 广州市 房地产 the big 中介")
        (folder / "loose" / part).rename(folder / f"used-{part}")
    text(root / "transcript" / "aishell_transcript_v0.8.txt", *lines)
    return root


def musan(folder):
    root = folder / "musan"
    for place in ("noise/free-sound", "noise/sound-bible", "music/fma", "speech/us-gov"):
        for number in range(2):
            sound(root / place / f"{place.replace('/', '-')}-000{number}.wav")
        text(root / place / "LICENSE", "public domain")
    return root


def esc50(folder):
    root = folder / "ESC-50-master"
    lines = ["filename,fold,target,category,esc10,src_file,take"]
    for fold, category, esc10, recording in ((1, "dog", True, 100), (5, "dog", True, 101), (2, "frog", False, 102)):
        lines.append(f"{fold}-{recording}-A-0.wav,{fold},0,{category},{esc10},{recording},A")
        sound(root / "audio" / f"{fold}-{recording}-A-0.wav")
    text(root / "meta" / "esc50.csv", *lines)
    return root


def rirs(folder):
    root = folder / "RIRS_NOISES"
    real = root / "real_rirs_isotropic_noises"
    sound(real / "RVB2014_type1_rir_largeroom1_far_angla.wav", channels=8)
    sound(real / "air_type1_air_binaural_lecture_0_1.wav")
    sound(real / "RVB2014_type1_noise_largeroom1_1.wav")
    listed = "RIRS_NOISES/real_rirs_isotropic_noises/RVB2014_type1_rir_largeroom1_far_angla.wav"
    text(real / "rir_list", f"--rir-id 00001 --room-id RVB2014_largeroom1 {listed}")
    for size in ("small", "medium", "large"):
        for number in (1, 2):
            sound(root / "simulated_rirs" / f"{size}room" / f"Room00{number}" / f"Room00{number}-00001.wav")
    sound(root / "pointsource_noises" / "noise-free-sound-0000.wav")
    return root


def pack_tar(path, folder, *names):
    with tarfile.open(path, "w:gz") as tar:
        for name in names or sorted(path.name for path in folder.iterdir()):
            tar.add(folder / name, name)
    return path


def pack_zip(path, folder):
    with zipfile.ZipFile(path, "w") as file:
        for member in sorted(folder.rglob("*")):
            file.write(member, member.relative_to(folder.parent))
    return path


def bad_tar(path, name, **changes):
    """Write a tar archive with one member that must be refused."""
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        for field, value in changes.items():
            setattr(member, field, value)
        tar.addfile(member, io.BytesIO(b"evil"))
    return path
