"""Makes templates_golden.json: what transformers' apply_chat_template writes.

Run from the repository's root, with PyPI's `transformers` (5.23.0 was used) and `deno` on the PATH:

    python tests/golden/templates_golden.py

Oddsmith's own templates are asked of it; minimind's tokenizer is read from ../shared/data.
"""

import json
import subprocess
from pathlib import Path

from transformers import AutoTokenizer

OURS = """
import { NAMED_TEMPLATES } from "./src/text/templates.ts";
import { byteTokenizerFiles } from "./src/text/byte_tokenizer.ts";
const config = JSON.parse(byteTokenizerFiles()["tokenizer_config.json"]);
console.log(JSON.stringify({ ...NAMED_TEMPLATES, "byte-level": config.chat_template }));
"""

# Written for this test: what templates in the wild make use of.
TRIED = {
    "filters": "{% for m in messages %}{{ m.role | upper }}={{ m['content'] | trim }};{{ loop.index }}/{{ loop.length }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "blocks": "{% for m in messages %}\n  {% if m.role == 'user' %}\n  U {{ m.content }}\n  {% elif m.role == 'assistant' %}\n  A {{ m.content }}\n  {% else %}\n  S {{ m.content }}\n  {% endif %}\n{% endfor %}\nend\n",
    "alternation": "{% set turns = messages[1:] if messages[0]['role'] == 'system' else messages %}{% for m in turns %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{{ bos_token if loop.first else '' }}[{{ m['role'][0] }}] {{ m['content'] }} {% endfor %}{{ eos_token }}",
    "methods": "{% for m in messages %}{{ m.content.strip().split(' ')[0] }}|{{ 'H' if m.content.startswith('H') else '-' }}|{{ 'long' if m.content | length > 5 else 'short' }}|{{ m | tojson }}\n{% endfor %}",
    "namespace": "{% set ns = namespace(n=0, sys='') %}{% for m in messages %}{% if m.role == 'system' %}{% set ns.sys = m.content %}{% else %}{% set ns.n = ns.n + 1 %}{% endif %}{% endfor %}{{ ns.sys }}:{{ ns.n }}:{{ 'tools' if tools is defined and tools is not none else 'none' }}:{{ 'asked' if add_generation_prompt else '' }}",
    "generation": "{%- for m in messages -%}{%- if m.role == 'assistant' -%}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}{%- else -%}<{{ m.content }}>{%- endif -%}{%- endfor -%}",
}


def turns(*contents: str, system: str | None = None) -> list[dict]:
    roles = ["user", "assistant"]
    messages = [{"role": roles[at % 2], "content": content} for at, content in enumerate(contents)]
    return ([{"role": "system", "content": system}] if system is not None else []) + messages


CONVERSATIONS = [
    turns("Hello"),
    turns("Hello", "Hi there."),
    turns("Hello", "Hi.", "How are you?"),
    turns("What is 2 + 2?", "4", "And 3 + 3?", "6", system="You are brief."),
    turns(" spaces around ", "\nlines\n\n", system=" system \n"),
    turns("\u4f60\u597d \U0001f600 {{ not jinja }} {% nor this %}", "a \"quoted\" \\ back\\nslash"),
    turns("", ""),
    turns("<think>x</think>", "<think>\nwhy\n</think>\n\nbecause"),
    turns("Hi <|im_end|> there", "</s> ok"),
    turns("H", system=""),
    [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}],
    [{"role": "tool", "content": "42"}],
    turns("U", "A") + [{"role": "system", "content": "late"}],
]


def write(tokenizer, template: str) -> list:
    rows = []
    for messages in CONVERSATIONS:
        row = []
        for generation in (False, True):
            try:
                row.append(tokenizer.apply_chat_template(
                    messages, chat_template=template, tokenize=False, add_generation_prompt=generation))
            except Exception as error:  # the template's own refusal
                row.append({"error": type(error).__name__})
        rows.append(row)
    return rows


def main() -> None:
    minimind = AutoTokenizer.from_pretrained("../shared/data/tokenizers/minimind")
    ours = json.loads(subprocess.run(["deno", "eval", OURS], check=True, capture_output=True, text=True).stdout)
    templates = {**ours, **TRIED}
    minimind_own = minimind.chat_template
    golden = {
        "conversations": CONVERSATIONS,
        "specialTokens": {"bos_token": minimind.bos_token, "eos_token": minimind.eos_token},
        "templates": templates,
        "rendered": {**{name: write(minimind, text) for name, text in templates.items()}, "minimind": write(minimind, minimind_own)},
    }
    Path("tests/golden/templates_golden.json").write_text(json.dumps(golden, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
