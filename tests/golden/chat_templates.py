"""Makes chat_templates.json: digests of what transformers' apply_chat_template writes with real chat templates.

Run from the repository's root, with PyPI's `transformers` (5.24.0 was used) and `trl` (1.16.0), and `deno` on the
PATH; the argument is the folder of npm's `@huggingface/ollama-utils@0.0.18`:

    python tests/golden/chat_templates.py node_modules/@huggingface/ollama-utils

The templates are those of that package and of trl/chat_templates. Their text is not kept here: a template is known by
its digest, and so is each text it writes. "!" stands for a refusal, transformers' own or the template's.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import transformers.utils.chat_template_utils as chat_template_utils
import trl
from transformers import AutoTokenizer

NOW = datetime(2026, 2, 3, 4, 5, 6)

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather; \"quoted\", <b>bold</b> & \u5929\u6c17.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where: \u00e9t\u00e9's town"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": None},
                "days": {"type": "integer", "minimum": 1, "default": 3},
                "exact": {"type": "boolean", "default": False},
                "near": {"type": "array", "items": {"type": "number"}},
            },
            "required": ["city"],
        },
    },
}
PING = {
    "type": "function",
    "function": {"name": "ping", "description": "", "parameters": {"type": "object", "properties": {}}},
}
NESTED = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Books.\nTwo lines.",
        "parameters": {
            "type": "object",
            "properties": {
                "who": {
                    "type": "object",
                    "description": "A person",
                    "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}},
                    "required": ["name", "age"],
                },
                "when": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
            "required": ["who", "when"],
        },
        "return": {"type": "string", "description": "A number"},
    },
}


def turn(role: str, content=None, **more) -> dict:
    return {"role": role, **({} if content is None else {"content": content}), **more}


def call(name: str, arguments, **more) -> dict:
    return {**more, "type": "function", "function": {"name": name, "arguments": arguments}}


def user(content="What is it like?"):
    return turn("user", content)


def says(content="Fine."):
    return turn("assistant", content)


ARGUMENTS = {"city": "Z\u00fcrich's \"old\" town", "days": 2, "exact": True, "unit": None, "near": [1.5, -2]}
ANSWERED = [
    user("Weather in Z\u00fcrich?"),
    turn("assistant", "", tool_calls=[call("get_weather", ARGUMENTS, id="call00001")]),
    turn("tool", "{\"sky\": \"clear\"}", name="get_weather", tool_call_id="call00001"),
]

CASES = {
    "one turn": {"messages": [user("Hello")]},
    "answered": {"messages": [user("Hello"), says("Hi there.")]},
    "many turns": {"messages": [user("Hello"), says("Hi."), user("2 + 2?"), says("4"), user("Sure?")]},
    "system": {"messages": [turn("system", "You are brief."), user("Hello"), says("Hi."), user("Again")]},
    "empty system": {"messages": [turn("system", ""), user("Hello"), says("Hi.")]},
    "late system": {"messages": [user("Hello"), says("Hi."), turn("system", "Be kind."), user("Now?")]},
    "developer": {"messages": [turn("developer", "You are brief."), user("Hello")]},
    "white space": {"messages": [turn("system", " s \n"), user("\n\tHello  \n"), says("  Hi\n\n"), user("\ufeff\u00a0x\u0085\x1c")]},
    "unicode": {"messages": [user("\u4f60\u597d \U0001f600 {{ x }} {% if %} {# c #}"), says("\u0130\u00df\u01c5 \"q\" 'a' \\n <&>"), user("\u2028\x00\x7f")]},
    "spelled tokens": {"messages": [user("<|im_end|></s>[/INST]<|eot_id|>"), says("<|im_start|><end_of_turn>"), user("[INST]")]},
    "empty": {"messages": [user(""), says(""), user("")]},
    "same role": {"messages": [user("one"), user("two"), says("a"), says("b")]},
    "assistant first": {"messages": [says("I begin."), user("Do you?")]},
    "thoughts": {"messages": [user("Why?"), says("<think>\nhm\n</think>\n\nSo."), user("And?"), says("<think></think>Yes.")]},
    "reasoning": {"messages": [user("Why?"), turn("assistant", "So.", reasoning_content="\nhm\n"), user("And?"), turn("assistant", "Yes.", thinking="ok")]},
    "no thinking": {"messages": [user("Why?")], "variables": {"enable_thinking": False}},
    "thinking": {"messages": [turn("system", "Be brief."), user("Why?")], "variables": {"enable_thinking": True, "thinking": True, "reasoning_effort": "high"}},
    "parts": {"messages": [turn("user", [{"type": "text", "text": "One "}, {"type": "text", "text": "two"}]), turn("assistant", [{"type": "text", "text": "Three"}])]},
    "absent": {"messages": [turn("user", "Hello", name=None, tool_calls=None), turn("assistant", None, tool_calls=[]), turn("user")]},
    "a tool": {"messages": [user("Weather?")], "tools": [WEATHER]},
    "tools": {"messages": [turn("system", "You are brief."), user("Weather?")], "tools": [WEATHER, PING, NESTED]},
    "no tools": {"messages": [user("Weather?")], "tools": []},
    "a bare tool": {"messages": [user("Weather?")], "tools": [WEATHER["function"]]},
    "tool call": {"messages": ANSWERED[:2], "tools": [WEATHER]},
    "tool result": {"messages": ANSWERED, "tools": [WEATHER]},
    "tool answer": {"messages": [turn("system", "Be brief."), *ANSWERED, says("Clear."), user("Thanks"), says("Bye")], "tools": [WEATHER, PING]},
    "text arguments": {"messages": [user("Go"), turn("assistant", "On it.", tool_calls=[call("get_weather", "{\"city\": \"Rome\"}", id="call00002")]), turn("tool", "ok", tool_call_id="call00002"), says("Done.")], "tools": [WEATHER]},
    "two calls": {"messages": [user("Go"), turn("assistant", None, tool_calls=[call("ping", {}, id="abcdefgh1"), call("get_weather", ARGUMENTS, id="abcdefgh2")]), turn("tool", "pong", name="ping", tool_call_id="abcdefgh1"), turn("tool", "sun", name="get_weather", tool_call_id="abcdefgh2"), says("Both.")], "tools": [PING, WEATHER]},
    "bare calls": {"messages": [user("Go"), turn("assistant", None, tool_calls=[{"name": "ping", "arguments": {"n": 1}}]), turn("tool", {"took": 1.5, "ok": True}), says("Done.")]},
    "thought calls": {"messages": [user("Go"), turn("assistant", "", reasoning_content="Ping it.", tool_calls=[call("ping", {"n": 1})]), turn("tool", "pong"), turn("assistant", "Done.", reasoning_content="Pong.")], "tools": [PING]},
}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def templates(ollama_utils: Path) -> dict[str, dict[str, str]]:
    """Template texts by source and name; a text that was there before is left out."""
    entry = re.compile(r'model: "([^"]+)",\s*gguf:\s*("(?:[^"\\]|\\.)*")')
    npm = {name: json.loads(text) for name, text in entry.findall((ollama_utils / "src/chat-template-automap.ts").read_text())}
    folder = Path(trl.__file__).parent / "chat_templates"
    pypi = {path.name: path.read_bytes().decode() for path in sorted(folder.glob("*.jinja"))}
    seen: set[str] = set()
    found: dict[str, dict[str, str]] = {"ollama-utils": {}, "trl": {}}
    for source, named in (("ollama-utils", npm), ("trl", pypi)):
        for name, text in named.items():
            if text not in seen:
                seen.add(text)
                found[source][name] = text
    return found


def write(tokenizer, template: str) -> list[str]:
    row = []
    for case in CASES.values():
        for generation in (False, True):
            try:
                row.append(tokenizer.apply_chat_template(
                    case["messages"], tools=case.get("tools"), chat_template=template, tokenize=False,
                    add_generation_prompt=generation, **case.get("variables", {})))
            except Exception:
                row.append(None)
    return row


class FixedClock(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def main(ollama_utils: Path, texts: Path | None) -> None:
    chat_template_utils.datetime = FixedClock
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["deno", "run", "-A", "tests/golden/write_byte_tokenizer.ts", folder], check=True)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    found = templates(ollama_utils)
    rendered = {source: {name: write(tokenizer, text) for name, text in named.items()} for source, named in found.items()}
    golden = {
        "now": NOW.isoformat(),
        "specialTokens": tokenizer.special_tokens_map,
        "cases": CASES,
        "templates": {
            source: {
                name: {
                    "digest": digest(found[source][name]),
                    "rendered": " ".join("!" if text is None else digest(text) for text in row),
                }
                for name, row in named.items()
            }
            for source, named in rendered.items()
        },
    }
    Path("tests/golden/chat_templates.json").write_text(json.dumps(golden, indent=1, ensure_ascii=True) + "\n")
    if texts is not None:
        texts.write_text(json.dumps({"templates": found, "rendered": rendered}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
