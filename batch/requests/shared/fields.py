"""What a run adds to all of its requests: held once, and put into a request that does not set it itself."""

from __future__ import annotations

from functools import cached_property

from msgspec import Raw, Struct
from msgspec.json import decode

from batch.requests import fast_path
from batch.requests.canonicalize import Members, encode, json_kind, read_list, read_object

PROMPT_START = b'"request":{"contents":[{"role":"user","parts":['
"""How the request of a line begins that was made of a prompt. A key cannot hold it: its quotation marks are escaped."""
PROMPT_END = b"]}]}}\n"
"""How such a line ends, unless it names a cache."""


class SharedFields(Struct, frozen=True, dict=True):
    """Values as JSON, None or empty where a run adds none.

    `part` comes before everything in the first turn of the user, `system` is the system instruction. Of the
    generationConfig, `values` are plain ones, `thinking` and `image` members of its two objects, and `schema` is the
    form of the answer.
    """

    part: Raw | None = None
    system: Raw | None = None
    values: Members = {}
    thinking: Members = {}
    image: Members = {}
    schema: Raw | None = None

    @cached_property
    def config(self) -> Members:
        """The generationConfig of a request that has none."""
        return self._merged({})

    @cached_property
    def config_json(self) -> bytes:
        return encode(self.config) if self.config else b""

    @cached_property
    def config_tail(self) -> bytes:
        """The generationConfig as it stands behind other members, b"" for none."""
        return b',"generationConfig":' + self.config_json if self.config else b""

    @property
    def temperature(self) -> float | None:
        """The temperature of requests that set none."""
        return decode(self.values["temperature"], type=float) if "temperature" in self.values else None

    @cached_property
    def has_values(self) -> bool:
        return bool(self.part or self.system or self.config)

    @cached_property
    def _before_prompt(self) -> bytes:
        return b"" if self.part is None else bytes(self.part) + b","

    @cached_property
    def _behind_prompt(self) -> bytes:
        system = b"" if self.system is None else b',"systemInstruction":' + bytes(self.system)
        return b"]}]" + system + self.config_tail + b"}}\n"

    def asks_for_json(self, config: Raw | None) -> bool:
        """Whether a request with this generationConfig, or without one, is to be answered by the schema."""
        return self.schema is not None and (config is None or accepts_schema(read_object(config)))

    def apply(self, request: Members) -> bool:
        """Give a request, in place, what it does not set itself; false if a cache kept the system instruction out."""
        system_kept = True
        if self.part is not None:
            request["contents"] = _prepend_part(request["contents"], self.part)
        if self.system is not None and "systemInstruction" not in request:
            if "cachedContent" in request:
                system_kept = False
            else:
                request["systemInstruction"] = self.system
        if self.config:
            request["generationConfig"] = self.merged(request.get("generationConfig"))
        return system_kept

    def merged(self, config: Raw | None) -> Raw:
        """The generationConfig of a request, given the one that it has itself."""
        return Raw(encode(self.config if config is None else self._merged(read_object(config))))

    def line(self, line: bytes) -> bytes:
        """A line of the normalised JSONL with what it does not set itself."""
        row = fast_path.decode_key_and_request(line)
        members = read_object(row.request)
        self.apply(members)
        return b'{"key":' + encode(row.key) + b',"request":' + encode(members) + b"}\n"

    def prompt_line(self, line: bytes) -> bytes:
        """The same for a line that was made of a prompt, told by its bytes alone."""
        at = line.find(PROMPT_START) + len(PROMPT_START)
        if line.endswith(PROMPT_END):
            return line[:at] + self._before_prompt + line[at : -len(PROMPT_END)] + self._behind_prompt
        return line[:at] + self._before_prompt + line[at:-3] + self.config_tail + b"}}\n"

    def _merged(self, config: Members) -> Members:
        merged = dict(config)
        for name, value in self.values.items():
            merged.setdefault(name, value)
        if self.thinking:
            thinking = read_object(config["thinkingConfig"]) if "thinkingConfig" in config else {}
            if not thinking.keys() & {"thinkingLevel", "thinkingBudget"}:
                merged["thinkingConfig"] = Raw(encode({**thinking, **self.thinking}))
        if self.image:
            image = read_object(config["imageConfig"]) if "imageConfig" in config else {}
            merged["imageConfig"] = Raw(encode({**self.image, **image}))
        if self.schema is not None and accepts_schema(config):
            merged["responseMimeType"] = config.get("responseMimeType", Raw(b'"application/json"'))
            merged["responseSchema"] = self.schema
        return merged


def accepts_schema(config: Members) -> bool:
    """A request that chose its own form of answer keeps it."""
    if config.keys() & {"responseSchema", "responseJsonSchema", "_responseJsonSchema", "responseFormat"}:
        return False
    mime = config.get("responseMimeType")
    return mime is None or decode(mime) == "application/json"


def _prepend_part(contents: Raw, part: Raw) -> Raw:
    """Put a part before everything in the first turn of the user."""
    turns = read_list(contents)
    for n, turn in enumerate(turns):
        members = read_object(turn)
        role = members.get("role")
        if role is None or json_kind(role) == "null" or decode(role) == "user":
            members["parts"] = Raw(encode([part, *read_list(members["parts"])]))
            turns[n] = Raw(encode(members))
            break
    return Raw(encode(turns))
