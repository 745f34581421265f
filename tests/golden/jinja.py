"""Makes jinja.json: what Jinja, as transformers sets it up for chat templates, gives for small templates.

Run from anywhere with PyPI's `transformers` (5.24.0 with Jinja 3.1.6 was used):

    python tests/golden/jinja.py

"!" stands for an error. Every template was written for this test.
"""

import json
from datetime import datetime
from pathlib import Path

import transformers.utils.chat_template_utils as chat_template_utils

DATA = {
    "none_": None, "yes": True, "no": False, "n": 7, "neg": -7, "f": 2.5, "text": " Hello, World \n", "uni": "Z\u00fcrich \U0001f600 na\u00efve",
    "empty": "", "list_": [3, 1, 2], "nested": [[1, "a"], {"k": [True, None]}], "words": ["b", "A", "a", "B"],
    "d": {"b": 1, "a": {"x": "y's"}, "items": [1], "none": None, "k3": "three"},
    "msgs": [{"role": "system", "content": "S"}, {"role": "user", "content": "U", "tool": None}, {"role": "assistant", "content": ""}],
    "odd": "a\"b'c\\d\te\x00\u200b\u00a0\ud7ff\ue000", "quote": "it's", "both": "'\"", "spaces": "\ufeff\u00a0 \x1cx\x85 \u3000",
    "floats": [1e-5, 0.1, 100.5, 123456789.5, -0.5, 1.5e-7],
}

CASES = [
    # printing
    *("{{ %s }}" % name for name in ["none_", "yes", "no", "n", "neg", "f", "list_", "nested", "d", "words", "odd", "quote", "both", "floats", "missing", "(1, 'a')", "{}", "{'a': none}", "1.0", "10/4", "4/2", "7//2", "neg//2", "neg % 3", "n % -3", "7.5 // 2", "2**10", "2**-1", "[odd]", "[quote, both]", "true", "True", "None", "not missing", "-n", "+n", "--n", "- f", "1 == 1.0", "true + 1", "3 * 'ab'", "'ab' * 2", "[0] * 3", "[1] + [2]", "(1, 2) + (3, 4)", "10.0 ** 16", "0.1 ** 6", "10.0 ** 15"]),
    # equality, order, membership
    *("{{ %s }}" % text for text in ["1 == '1'", "'' == 0", "'' == false", "0 == false", "1 == true", "none_ == missing", "none_ is none", "missing == missing2", "[1, [2]] == [1, [2]]", "{'a': 1} == {'a': 1.0}", "(1, 2) == [1, 2]", "'a' < 'b'", "'B' < 'a'", "'a' < 1", "[1, 2] < [1, 3]", "none_ < 1", "'b' in words", "[1, 'a'] in nested", "'b' in d", "1 in d", "'or' in text", "1 in text", "'x' in missing", "'x' not in missing", "none_ in [none]", "1.0 in [1]", "'a' in none_", "n > 3 and f < 3", "empty or 'x'", "n and 'x'", "not empty", "(1 == 1) == true", "('a' in words) != false", "1 != 2 and 2 != 3", "'\ue000' < '\U0001f600'", "missing > 1", "missing + 'x'", "'x' + missing", "'x' + 1", "'x' ~ 1", "'x' ~ missing ~ none_ ~ true", "1 ~ 2", "'(' ~ (n + 1) ~ ')'", "'a' ~ 'b' + 'c' ~ 'd'", "1 + none_", "n / 0", "1 if no", "1 if no else 2 if no else 3", "-1 | abs", "(neg) | abs"]),
    # reading
    *("{{ %s }}" % text for text in ["missing.x", "none_.x", "n.x", "text.x", "d.b", "d['b']", "d.nothing", "d.nothing.more", "d['nothing']['more']", "d.items is callable", "d['items']", "d.items() | list", "d.keys() | list", "d.values() | list", "d.get('b')", "d.get('q')", "d.get('q', 5)", "d.get('none', 5)", "d['k3']", "d[3]", "list_[0]", "list_[-1]", "list_[9]", "list_['x']", "list_[9].x", "list_.0", "text[1]", "uni[7]", "uni[7:]", "uni[-5:]", "uni[::-1]", "list_[::-1]", "list_[1:]", "list_[:-1]", "list_[::2]", "list_[5:]", "list_[-9:2]", "(1, 2, 3)[1:]", "none_[1:]", "d[1:]", "missing[1:]", "list_[0:n]", "list_[none:1]", "uni|length", "d|length", "missing|length", "none_|length", "n|length", "d.pop('b')", "list_.append(1)", "d.update({})", "msgs[0].content.x", "nested[1].k[0]", "nested[1]['k'][1]"]),
    # string methods
    *("{{ %s }}" % text for text in ["[text.strip()]", "[text.lstrip()]", "[text.rstrip()]", "[spaces.strip()]", "[spaces|trim]", "'xxaxx'.strip('x')", "'xyaxy'.lstrip('yx')", "'xyaxy'.rstrip('xy')", "'abc'.strip('')", "text.upper()", "text.lower()", "'hELLO wORLD'.title()", "'hELLO'.capitalize()", "'a,b,,c'.split(',')", "'a,b,,c'.split(',', 1)", "'a,b,,c'.rsplit(',', 1)", "'  a  b c '.split()", "'  a  b c '.split(none, 1)", "' a  b  c '.rsplit(none, 1)", "''.split()", "''.split(',')", "'a'.split('')", "'a b'.split(maxsplit=1)", "'</think>x</think>y'.split('</think>')[-1].lstrip('\\n')", "'abc'.startswith('a')", "'abc'.startswith(('x', 'a'))", "'abc'.endswith('c')", "'abc'.startswith(1)", "'aXbX'.replace('X', '-')", "'aXbX'.replace('X', '-', 1)", "'ab'.replace('', '-')", "'a$b'.replace('$', '$$&')", "uni.find('n')", "uni.find('q')", "uni.rfind('e')", "uni.index('z')", "'abcabc'.count('bc')", "'a'.join(['x', 'y'])", "', '.join(words)", "','.join([1])", "'a\\nb\\r\\nc\\x0bd'.splitlines()", "'a\\n'.splitlines()", "'a\\nb'.splitlines(true)", "'a-b-c'.partition('-')", "'a-b-c'.rpartition('-')", "'abc'.partition('-')", "'pre-x'.removeprefix('pre-')", "'x.py'.removesuffix('.py')", "'12'.isdigit()", "''.isdigit()", "'a1'.isalnum()", "' '.isspace()", "'AB'.isupper()", "'ab1'.islower()", "'12'.isupper()", "'7'.zfill(3)", "'-7'.zfill(4)", "'a'.ljust(3) ~ '|'", "'a'.rjust(3, '.')", "'{} {}'.format(1, 'b')", "'{1}{0}{x}'.format(1, 2, x=none)", "'%s is %d' % ('a', 3)", "'%s' % none_", "'%.2f|%5d|%-5s|%05d|%x|%%' % (f, n, 'a', n, 255)", "'%s' % 'a' ~ 'b'", "'a'.nothing()", "'a'.upper(1)", "'\u00df\u0130'.lower() ~ '\u00df'.upper()", "'A\u03a3'.lower()", "'aB'.swapcase()"]),
    # filters
    *("{{ %s }}" % text for text in ["msgs|map(attribute='role')|list", "msgs|map(attribute='tool')|list", "msgs|map(attribute='tool', default='-')|list", "msgs|map(attribute='role')|join(', ')", "words|map('upper')|list", "words|map('replace', 'a', 'x')|join", "msgs|selectattr('role', 'equalto', 'user')|list|length", "msgs|selectattr('content')|map(attribute='role')|list", "msgs|rejectattr('role', 'in', ['user', 'system'])|list", "msgs|selectattr('tool', 'defined')|list|length", "msgs|selectattr('tool', 'none')|list|length", "msgs|rejectattr('tool', 'undefined')|list|length", "list_|select('>', 1)|list", "list_|select('odd')|list", "list_|reject('equalto', 2)|list", "[0, 1, '', 'a']|select|list", "'T' if msgs|selectattr('role', 'equalto', 'nobody') else 'F'", "msgs|selectattr('role')|length", "(msgs|selectattr('role', 'equalto', 'user')|first).content", "msgs|selectattr('role', 'equalto', 'nobody')|first", "(msgs|map(attribute='role'))|last", "words|sort|join", "words|sort(case_sensitive=true)|join", "list_|sort(reverse=true)", "msgs|sort(attribute='role')|map(attribute='role')|join(',')", "words|unique|list", "list_|unique|join('-')", "list_|min", "list_|max", "list_|sum", "words|first", "words|last", "[]|first", "list_|reverse|list", "'abc'|reverse", "d|dictsort", "{'b': 1, 'A': 2}|dictsort(reverse=true)", "{'b': 1, 'a': 2}|dictsort(by='value')", "{'b': 1}|items|list", "missing|items|list", "d|list", "'abc'|list", "missing|list", "none_|list", "missing|join(',')", "missing|default('x')", "none_|default('x')", "none_|default('x', true)", "empty|default('x', boolean=true)", "d.q|d('z')", "missing|default(none)", "missing|default", "f|int", "'3.7'|int", "'x'|int", "'x'|int(5)", "' 42 '|int", "'ff'|int(base=16)", "'2.5'|float", "'x'|float", "n|float", "none_|int", "2.5|round", "3.5|round", "2.345|round(2)", "2.1|round(0, 'ceil')", "n|round", "n|string ~ f|string", "none_|string", "yes|string", "list_|string", "missing|string", "none_|upper", "list_|trim", "missing|trim", "missing|upper", "none_|trim", "'xax'|trim('x')", "text|capitalize", "'a b-c'|title", "'<a href=\"x\">&\\'' |e", "'a'|center(4) ~ '|'", "'a b c'|wordcount", "'aXb'|replace('X', 1)", "n|replace('7', 'x')", "'a'|nothing", "[1, 2, 3]|batch(2)|list", "msgs|groupby('role')|map('first')|list", "d|attr('b')", "'%s-%s'|format('a', 1)", "words|join(' | ')|upper"]),
    *("{{ %s }}" % text for text in ["'a\\nb\\n\\nc'|indent", "'a\\nb\\n\\nc'|indent(2, true)", "'a\\nb\\n\\nc'|indent(2, blank=true)", "'a\\nb'|indent('> ', first=True)", "'a\\r\\nb\\x0bc\\n'|indent(1)", "''|indent"]),
    *("{{ %s }}" % text for text in ["0.5|round", "1.5|round", "-2.5|round", "2.675|round(2)", "1234.5|round(-2)", "15|round(-1)", "1250|round(-2)", "2.25|round(1)", "'2'|round", "list_[f:]", "'a' * f", "[] * 2", "2 * [1]", "'%s' % (1, 2)", "'%d' % 'a'", "'%q' % 1", "words|join(1)", "msgs|join(',', attribute='role')", "msgs|sum(attribute='n')", "floats|sum", "words|sum", "words|map(attribute=0)|list", "msgs|map('nothing')|list", "[[1, 2], [3]]|map('length')|list", "[[3], [1]]|sort", "['b', 1]|sort", "d|items|first", "d|length|string", "{'a': 1, 'b': 2}|map('upper')|join", "'ab'|list|join('-')", "'ab'|join('-')", "('a', 'b')|join", "words[1:]|first", "(words|first)[0]", "range(3)[1]", "range(4)|last", "'a,b'.split(',')|map('upper')|list", "'  x'|indent(2, true)", "(1, 2) in [(1, 2)]", "{} == {}", "none_ in d", "'' in ''", "'x' if missing", "missing or none_ or 'z'", "[missing]", "{'a': missing}", "missing|string|length", "(missing|default([]))|length", "d.a.x|upper", "text.strip().split(', ')[1].upper()", "'a\\u0041'", "'\\x41'", "loop", "0.125|round(2)", "0.375|round(2)", "-2.25|round(1)", "2.35|round(1)"]),
    # tojson
    *("{{ %s }}" % text for text in ["d|tojson", "nested|tojson", "uni|tojson", "uni|tojson(ensure_ascii=true)", "odd|tojson", "odd|tojson(ensure_ascii=true)", "'<&>\\''|tojson", "d|tojson(indent=2)", "d|tojson(indent=0)", "[]|tojson(indent=2)", "{'a': [], 'b': {}}|tojson(indent=4)", "d|tojson(indent='\\t')", "d|tojson(separators=(',', ':'))", "d|tojson(separators=(',', ':'), indent=1)", "{'b': 1, 'a': 2, 'B': 3}|tojson(sort_keys=true)", "none_|tojson", "yes|tojson", "f|tojson", "1.0|tojson", "floats|tojson", "(1, 2)|tojson", "missing|tojson", "[missing]|tojson", "{1: 'a', none: 2}|tojson", "'\\x7f\\x1f\\u2028'|tojson", "'\\x7f'|tojson(ensure_ascii=true)", "d|tojson|length", "list_|map('tojson')|join(';')", "namespace(a=1)|tojson"]),
    # tests
    *("{{ %s }}" % text for text in ["missing is defined", "none_ is defined", "missing is undefined", "none_ is none", "missing is none", "missing is not none", "text is string", "n is number", "yes is number", "yes is integer", "n is integer", "f is float", "f is integer", "yes is boolean", "d is mapping", "list_ is mapping", "list_ is iterable", "d is iterable", "text is iterable", "missing is iterable", "n is iterable", "list_ is sequence", "d is sequence", "text is sequence", "n is sequence", "(msgs|map(attribute='x')) is sequence", "(msgs|map(attribute='x')) is iterable", "range is callable", "n is odd", "n is even", "n is divisibleby(7)", "n is divisibleby 3", "n is not divisibleby 3", "n is eq 7", "n is equalto(7)", "'a' is in words", "'q' is not in words", "'q' is in ['q', 'r']", "none_ is sameas none", "1 is sameas true", "'ab' is lower", "'AB' is upper", "'1' is lower", "yes is true", "1 is true", "no is false", "n is gt 3 and n is lt(9)", "n is ge d.b", "n is nothing", "missing is string", "not n is odd", "n is not odd", "d.a is mapping and d.a.x is string"]),
    # statements
    "{% for m in msgs %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ m.role }};{% endfor %}",
    "{% for m in msgs if m.content %}{{ loop.index }}{{ loop.length }}{{ m.content }}{% else %}none{% endfor %}",
    "{% for m in [] %}x{% else %}none{% endfor %}",
    "{% for m in missing %}x{% else %}none{% endfor %}",
    "{% for m in none_ %}x{% endfor %}",
    "{% for c in 'a\U0001f600' %}[{{ c }}]{% endfor %}",
    "{% for k in d %}{{ k }},{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }},{% endfor %}",
    "{% for k, v in d|items %}{{ k }}={{ v }},{% endfor %}",
    "{% for k, v in [[1, 2], (3, 4), 'ab'] %}{{ k }}{{ v }},{% endfor %}",
    "{% for k, v in [[1]] %}x{% endfor %}",
    "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}[{{ i }}]{% endfor %}",
    "{% for i in range(2) %}a{% for j in range(3) %}{{ j }}{% break %}{% endfor %}b{{ loop.index }}{% endfor %}",
    "{% for i in range(3) %}{% if i == 0 %}{% set x = 'set' %}{% endif %}{{ x }}|{% endfor %}{{ x }}",
    "{% set x = 0 %}{% for i in range(3) %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(x=0) %}{% for i in range(3) %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.y is defined }}",
    "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns['b'] }}",
    "{% set d.x = 1 %}", "{% set ns = namespace(a=1) %}{{ ns.items }}",
    "{% if yes %}{% set x = 1 %}{% endif %}{{ x }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a = 1, 2 %}{{ a }}",
    "{% set x %}{% set y = 1 %} a{{ y }} {% endset %}[{{ x }}]{{ y is defined }}",
    "{% macro m(a, b=2, c=none) %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=1, a=0) }}{{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(q=2) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}",
    "{% macro m(x) %}{% if x > 0 %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{{ later }}{{ n }}{% endmacro %}{% set later = 'L' %}{{ m() }}",
    "{% macro m() %}{{ i }}{% endmacro %}{% for i in [1] %}{{ m() }}{% endfor %}",
    "{% macro m() %}{% set z = 1 %}{% endmacro %}{{ m() }}{{ z is defined }}",
    "{% macro m(x) %}[{{ caller() }}{{ x }}]{% endmacro %}{% call m(1) %}in{{ n }}{% endcall %}",
    "{% macro m() %}[{{ caller(5) }}]{% endmacro %}{% call(v) m() %}got{{ v }}{% endcall %}",
    "{% macro m() %} a {% endmacro %}{{ m()|trim }}{{ m() is string }}{{ m()|length }}",
    "{% filter upper %}a{{ quote }}{% endfilter %}",
    "{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{{ loop.cycle('a', 'b') }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}",
    "{% for m in msgs %}{% if loop.nextitem is defined and loop.nextitem.role == 'user' %}{{ m.role }}{% endif %}{% endfor %}",
    "{% for i in range(2) %}{% set outer = loop %}{% for j in range(2) %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}",
    "{{ range(3)|list }}{{ range(1, 7, 2)|list }}{{ range(3, 0, -1)|list }}", "{{ range(200000)|length }}", "{{ dict(a=1)|tojson }}{{ dict({'b': 2}, c=3) }}",
    "{{ raise_exception('no') }}", "{{ strftime_now('%d %B %Y %H:%M') }}",
    "{% generation %}{{ n }}{% endgeneration %}|{%- generation -%} x {%- endgeneration -%} y",
    # white space
    "a\n  {% if yes %}\n  b\n  {% endif %}\nc\n", "a\n  {%- if yes -%}\n  b\n  {%- endif -%}\nc\n\n", "a {{- n -}} b", "  {{ n }}\n", "a\n {# c #}\nb\n{#- c -#}\n d", "{% if yes %}\r\na\r\n{% endif %}\r\nb\r\n",
    "x\n\n{% set a = 1 %}\n\ny", "  {% for i in [1,2] %}  \n {{ i }} {% endfor %}  ", "\t{% if yes %}\tx{% endif %}\n", "a{% if yes %} {% endif %}b",
    # strings and literals
    "{{ 'a' 'b' }}", "{{ \"it's\" }}", "{{ 'a\\tb\\\\c\\'d' }}", "{{ '\\u00e9\\x41' }}", "{{ '{{ x }} %}' }}", "{{ {'a': {'b': 1}}.a.b }}", "{{ {'a': 1,}['a'] }}", "{{ [1, 2,][1] }}", "{{ {'a': {}} }}", "{{ not not n }}", "{{ (n) }}", "{{ 1.50 }}", "{{ [1, 2] | length + 1 }}", "{{ n if n is odd else -n }}", "{{ (1 < 2) == true }}",
]


class FixedClock(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime(2026, 2, 3, 4, 5, 6)


def render(template: str) -> str:
    try:
        return chat_template_utils._compile_jinja_template(template).render(**DATA)
    except Exception:
        return "!"


if __name__ == "__main__":
    chat_template_utils.datetime = FixedClock
    rows = [[template, render(template)] for template in CASES]
    path = Path(__file__).with_name("jinja.json")
    path.write_text(json.dumps({"data": DATA, "cases": rows}, ensure_ascii=True, indent=0) + "\n")
