"""The definitions of all metrics, each in one place.

Code that counts or measures uses these constants; the names in them are part of the MQTT contract (`health`). To add a
metric, define it here and use its constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge.health.registry import Counter, Gauge, Histogram, Metric

if TYPE_CHECKING:
    from edge.observation import Sense

# Sources: camera, microphone, media file, transcripts

CAMERA_FRAMES: Final = Counter("camera.frames", "frames", "Frames delivered by the camera or a media file.", "rate")
CAMERA_FRAMES_SKIPPED: Final = Counter(
    "camera.frames_skipped", "frames", "Frames that the camera took but this process did not read in time.", "loss"
)
CAMERA_FAULTS: Final = Counter(
    "camera.faults", "faults", "Times the camera could not be opened or failed while running.", "loss"
)
CAMERA_ITEMS_FAILED: Final = Counter(
    "camera.items_failed", "frames", "Frames that the camera delivered damaged.", "loss"
)
MICROPHONE_CHUNKS: Final = Counter(
    "microphone.chunks", "chunks", "Chunks of sound delivered by the microphone or a media file.", "rate"
)
MICROPHONE_OVERRUNS: Final = Counter(
    "microphone.overruns", "overruns", "Times the device lost sound because it was not read in time.", "overrun"
)
MICROPHONE_FAULTS: Final = Counter(
    "microphone.faults", "faults", "Times the microphone could not be opened or failed while running.", "loss"
)
MICROPHONE_ITEMS_FAILED: Final = Counter(
    "microphone.items_failed", "chunks", "Chunks of sound that the microphone delivered damaged.", "loss"
)
MEDIA_FILE_FAULTS: Final = Counter(
    "media_file.faults", "faults", "Times the media file could not be opened or read.", "loss"
)
MEDIA_FILE_ITEMS_FAILED: Final = Counter(
    "media_file.items_failed", "items", "Frames and chunks of sound of the media file that are damaged.", "loss"
)
TRANSCRIPTS_FAULTS: Final = Counter(
    "transcripts.faults", "faults", "Times the source of transcripts could not be opened or failed.", "loss"
)
TRANSCRIPTS_ITEMS_FAILED: Final = Counter(
    "transcripts.items_failed", "lines", "Lines of the source of transcripts that are not valid transcripts.", "loss"
)

# Face

FACE_OBSERVATIONS: Final = Counter("face.observations", "observations", "Observations of the face sense.", "rate")
FACE_FRAMES_SKIPPED: Final = Counter(
    "face.frames_skipped", "frames", "Frames replaced by a newer one before the face sense took them.", "loss"
)
FACE_ITEMS_FAILED: Final = Counter(
    "face.items_failed", "frames", "Frames for which the face sense reported an error.", "loss"
)
FACES_LEFT_OUT: Final = Counter(
    "face.faces_left_out", "faces", "Detected faces that were not read because larger ones filled the limit.", "loss"
)
FACES_FAILED: Final = Counter("face.faces_failed", "faces", "Faces for which a model failed.", "loss")

DETECT: Final = Histogram("detect", "ms", "Time to find the faces in one frame.")
TRACK: Final = Histogram("track", "ms", "Time to assign the faces of one frame to persons.")
UPRIGHT: Final = Histogram("upright", "ms", "Time to check whether the faces of one frame stand on their heads.")
LANDMARKS: Final = Histogram("landmarks", "ms", "Time to find the landmarks of one face.")
EYES: Final = Histogram("eyes", "ms", "Time to measure how far the eyes of one face are open, with pose and blinks.")
SCENE: Final = Histogram("scene", "ms", "Time to prepare the surroundings of the faces in one frame.")
CROP: Final = Histogram("crop", "ms", "Time to cut out one face and assess its quality.")
INFER_FACE: Final = Histogram("infer face", "ms", "Time of the expression model for one face.")

# Voice

VOICE_OBSERVATIONS: Final = Counter("voice.observations", "observations", "Observations of the voice sense.", "rate")
VOICE_CHUNKS_DROPPED: Final = Counter(
    "voice.chunks_dropped", "chunks", "Chunks of sound discarded because the voice sense was too slow.", "loss"
)
VOICE_ITEMS_FAILED: Final = Counter(
    "voice.items_failed", "chunks", "Chunks of sound for which the voice sense reported an error.", "loss"
)
VOICE_OVERRUNS: Final = Counter(
    "voice.overruns",
    "overruns",
    "Losses of sound at the device or in a queue, as the voice sense sees them.",
    "overrun",
)
VOICE_GAPS: Final = Counter("voice.gaps", "gaps", "Jumps in the time of the sound that end an utterance.", "loss")
VOICE_RATE_CHANGES: Final = Counter(
    "voice.rate_changes", "changes", "Changes of the sampling rate while sound was running.", "loss"
)
VOICE_CLIPPED_SAMPLES: Final = Counter(
    "voice.clipped_samples", "samples", "Samples at full scale, where the microphone is overdriven.", "loss"
)
VOICE_NAN_SAMPLES: Final = Counter(
    "voice.nan_samples", "samples", "Samples that are not finite and were replaced by silence.", "loss"
)
VOICE_OFFSET_STEPS: Final = Counter(
    "voice.offset_steps", "steps", "Steps of sound with a large constant offset, as a faulty microphone gives.", "loss"
)

RESAMPLE: Final = Histogram("resample", "ms", "Time to clean and resample one chunk of sound.")
VAD: Final = Histogram("vad", "ms", "Time of voice activity detection for one step of sound.")
PITCH: Final = Histogram("pitch", "ms", "Time to track the pitch of one speech segment.")
VOICE_FEATURES: Final = Histogram("voice features", "ms", "Time to compute the voice model's input for one segment.")
INFER_VOICE: Final = Histogram("infer voice", "ms", "Time of the voice model for one speech segment.")
PROSODY: Final = Histogram("prosody", "ms", "Time to measure pitch range and speech rate of one segment.")

# Words

WORDS_OBSERVATIONS: Final = Counter("words.observations", "observations", "Observations of the words sense.", "rate")
WORDS_TRANSCRIPTS: Final = Counter("words.transcripts", "transcripts", "Transcripts received from all sources.", "rate")
WORDS_TRANSCRIPTS_DROPPED: Final = Counter(
    "words.transcripts_dropped", "transcripts", "Transcripts discarded because the words sense was too slow.", "loss"
)
WORDS_MESSAGES_DROPPED: Final = Counter(
    "words.messages_dropped", "messages", "Transcripts received over MQTT faster than allowed, left unread.", "loss"
)
WORDS_TRANSCRIPTS_FAILED: Final = Counter(
    "words.transcripts_failed", "transcripts", "Transcripts received over MQTT and refused as invalid.", "loss"
)
WORDS_CHUNKS_DROPPED: Final = Counter(
    "words.chunks_dropped", "chunks", "Chunks of sound discarded because the speech recogniser was too slow.", "loss"
)
WORDS_CHUNKS_FAILED: Final = Counter(
    "words.chunks_failed", "chunks", "Chunks of sound for which the speech recogniser reported an error.", "loss"
)
WORDS_ITEMS_FAILED: Final = Counter(
    "words.items_failed", "transcripts", "Transcripts for which the words sense reported an error.", "loss"
)

KEYWORDS: Final = Histogram("keywords", "ms", "Time to search one block of sound for keywords.")
INFER_WORDS: Final = Histogram("infer words", "ms", "Time to read one transcript, including the words model.")

# Fusion and loop

FUSION_ESTIMATES: Final = Counter("fusion.estimates", "estimates", "Estimates made from all senses together.", "rate")
FUSION_PERCEPTIONS_DROPPED: Final = Counter(
    "fusion.perceptions_dropped", "perceptions", "Results of senses discarded because fusion was too slow.", "loss"
)
FUSION_OBSERVATIONS_REFUSED: Final = Counter(
    "fusion.observations_refused",
    "observations",
    "Observations left out because their posterior, quality, time or person is impossible.",
    "loss",
)
FUSION_FUTURE_DROPPED: Final = Counter(
    "fusion.future_dropped", "observations", "Observations left out because they come from the future.", "loss"
)
FUSION_OUT_OF_ORDER: Final = Counter(
    "fusion.out_of_order",
    "observations",
    "Observations that came after a newer one of the same sense and person; they count less.",
    "rate",
)
FUSION_DUPLICATES_DROPPED: Final = Counter(
    "fusion.duplicates_dropped", "observations", "Second faces of one person in one frame, which are left out.", "loss"
)
FUSION_UNKNOWN_PERSONS: Final = Counter(
    "fusion.unknown_persons",
    "observations",
    "Observations about persons whom the tracker does not know; heard ones go to the scene.",
    "loss",
)
FUSION_PERSONS_DROPPED: Final = Counter(
    "fusion.persons_dropped", "persons", "Persons forgotten early because too many are remembered at once.", "loss"
)
FUSION_PERSONS_ERASED: Final = Counter(
    "fusion.persons_erased", "persons", "Persons erased from memory because the tracker has forgotten them.", "rate"
)
SPEAKER_REQUESTS_FAILED: Final = Counter(
    "speaker.requests_failed", "requests", "Requests on request/speaker that were refused.", "loss"
)
SPEAKER_REQUESTS_DROPPED: Final = Counter(
    "speaker.requests_dropped", "requests", "Requests on request/speaker that came faster than allowed.", "loss"
)
FUSION_PERSONS: Final = Gauge("fusion.persons", "persons", "Persons whom the fusion remembers now.")
THREADS_UNBLOCKED: Final = Counter(
    "threads.unblocked", "times", "Times a thread gave no sign of life and its source was closed to free it.", "loss"
)

READ: Final = Histogram("read", "ms", "Time to decode one frame or chunk of sound of a media file.")
FUSE: Final = Histogram("fuse", "ms", "Time to make one estimate.")
PUBLISH: Final = Histogram("publish", "ms", "Time to hand one estimate to all outputs.")

# MQTT

MQTT_PUBLISHED: Final = Counter("mqtt.published", "messages", "Messages handed to the MQTT connection.", "rate")
MQTT_DROPPED: Final = Counter(
    "mqtt.dropped", "messages", "Messages not sent because the broker was away or the queue was full.", "loss"
)
MQTT_REPLACED: Final = Counter(
    "mqtt.replaced_dropped",
    "messages",
    "Messages not sent because a newer one replaced them on a slow link.",
    "loss",
)
MQTT_EXPIRED: Final = Counter(
    "mqtt.expired_dropped", "messages", "Messages not sent because they had outlived their validity.", "loss"
)
MQTT_MESSAGES_FAILED: Final = Counter(
    "mqtt.messages_failed", "messages", "Messages that could not be made or sent because of an error.", "loss"
)
MQTT_HANDLERS_FAILED: Final = Counter(
    "mqtt.handlers_failed", "messages", "Received messages whose handling raised an error.", "loss"
)
MQTT_RETAINED: Final = Counter(
    "mqtt.retained_dropped", "messages", "Received messages ignored because the broker had kept them.", "loss"
)
MQTT_OVERSIZED: Final = Counter(
    "mqtt.oversized_dropped", "messages", "Received messages thrown away because they were too large.", "loss"
)
MQTT_TAKEOVERS: Final = Counter(
    "mqtt.takeover_interruptions", "interruptions", "Connections taken over by a client of the same name.", "loss"
)
MQTT_OUTBOX_LOST: Final = Counter(
    "mqtt.outbox_dropped",
    "messages",
    "Messages discarded from the outbox on disk: too many, too old or too long.",
    "loss",
)
MQTT_OUTBOX_FAULTS: Final = Counter(
    "mqtt.outbox_faults", "faults", "Times the file of the outbox was corrupt or could not be written.", "loss"
)
MQTT_OUTBOX_WAITING: Final = Gauge(
    "mqtt.outbox_waiting", "messages", "Messages in the outbox on disk that the broker has not acknowledged."
)
SYSTEMD_MESSAGES_FAILED: Final = Counter(
    "systemd.messages_failed", "messages", "Messages to systemd that were lost because of an error.", "loss"
)
TERMINAL_MESSAGES_FAILED: Final = Counter(
    "terminal.messages_failed", "messages", "Updates of the terminal view that were lost because of an error.", "loss"
)
TRANSCRIPTS_MESSAGES_FAILED: Final = Counter(
    "transcripts.messages_failed", "messages", "Rounds in which a waiting transcript could not be handled.", "loss"
)
SPEAKER_MESSAGES_FAILED: Final = Counter(
    "speaker.messages_failed", "messages", "Rounds in which requests on request/speaker could not be handled.", "loss"
)
MQTT_CONNECTS: Final = Counter("mqtt.connects", "connects", "Connections made to the MQTT broker.", "rate")
MQTT_INTERRUPTIONS: Final = Counter(
    "mqtt.interruptions", "interruptions", "Failed attempts to connect and connections lost.", "loss"
)

# Process and board

UPTIME: Final = Gauge("process.uptime", "s", "Time since the process began to publish.")
MEMORY_RESIDENT: Final = Gauge("process.memory", "MB", "Resident memory of the process now, in units of 10⁶ bytes.")
MEMORY_PEAK: Final = Gauge("process.memory_peak", "MB", "Largest resident memory of the process since its start.")
CPU_TEMPERATURE: Final = Gauge("cpu.temperature", "°C", "Temperature of the hottest zone of the processor.")

# By source and by sense


@dataclass(frozen=True, slots=True)
class SourceCounters:
    """The counters that each kind of source has."""

    faults: Counter
    """Failures of the source itself."""
    items_failed: Counter
    """Items that the source refused as damaged or invalid."""


CAMERA: Final = SourceCounters(CAMERA_FAULTS, CAMERA_ITEMS_FAILED)
"""Counters of the camera."""
MICROPHONE: Final = SourceCounters(MICROPHONE_FAULTS, MICROPHONE_ITEMS_FAILED)
"""Counters of the microphone."""
MEDIA_FILE: Final = SourceCounters(MEDIA_FILE_FAULTS, MEDIA_FILE_ITEMS_FAILED)
"""Counters of the media file."""
TRANSCRIPTS: Final = SourceCounters(TRANSCRIPTS_FAULTS, TRANSCRIPTS_ITEMS_FAILED)
"""Counters of the source of transcripts."""

OBSERVATIONS: Final[Mapping[Sense, Counter]] = {
    "face": FACE_OBSERVATIONS,
    "voice": VOICE_OBSERVATIONS,
    "words": WORDS_OBSERVATIONS,
}
"""Sense → the counter of its observations."""

ITEMS_FAILED: Final[Mapping[Sense, Counter]] = {
    "face": FACE_ITEMS_FAILED,
    "voice": VOICE_ITEMS_FAILED,
    "words": WORDS_ITEMS_FAILED,
}
"""Sense → the counter of the items for which it reported an error."""

VOICE_STAGES: Final = (PITCH, VOICE_FEATURES, INFER_VOICE, PROSODY)
"""Stages that run once for each speech segment."""

METRICS: Final[tuple[Metric, ...]] = tuple(
    value for value in list(globals().values()) if isinstance(value, (Counter, Gauge, Histogram))
)
"""All metrics in the order of their definition."""
