/**
 * Chat templates that come with the project, for models that bring none. None writes a leading BOS,
 * except llama2, whose every turn begins with one: encoding adds what is missing, once.
 */

const CHATML = `{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- endif -%}`;

const ALPACA = `{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{{ message['content'] + '\\n\\n' }}
{%- elif message['role'] == 'user' -%}
{{ '### Instruction:\\n' + message['content'] + '\\n\\n' }}
{%- elif message['role'] == 'assistant' -%}
{{ '### Response:\\n' + message['content'] }}{{ eos_token }}
{%- if not loop.last -%}{{ '\\n\\n' }}{%- endif -%}
{%- else -%}
{{ raise_exception('"alpaca" knows system, user and assistant, not ' + message['role']) }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '### Response:\\n' }}
{%- endif -%}`;

const LLAMA2 = `{%- set ns = namespace(system='') -%}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{%- if not loop.first -%}
{{ raise_exception('"llama2" takes a system message only at the start') }}
{%- endif -%}
{%- set ns.system = '<<SYS>>\\n' + message['content'] + '\\n<</SYS>>\\n\\n' -%}
{%- elif message['role'] == 'user' -%}
{{ bos_token }}{{ '[INST] ' + ns.system + message['content'] + ' [/INST]' }}
{%- set ns.system = '' -%}
{%- elif message['role'] == 'assistant' -%}
{{ ' ' + message['content'] + ' ' }}{{ eos_token }}
{%- else -%}
{{ raise_exception('"llama2" knows system, user and assistant, not ' + message['role']) }}
{%- endif -%}
{%- endfor -%}`;

const PLAIN = `{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{{ 'Assistant: ' + message['content'] }}{{ eos_token }}{{ '\\n' }}
{%- elif message['role'] == 'user' -%}
{{ 'User: ' + message['content'] + '\\n' }}
{%- elif message['role'] == 'system' -%}
{{ message['content'] + '\\n\\n' }}
{%- else -%}
{{ raise_exception('"plain" knows system, user and assistant, not ' + message['role']) }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ 'Assistant:' }}
{%- endif -%}`;

/** The project's own chat templates by name. */
export const NAMED_TEMPLATES: Readonly<Record<string, string>> = {
  chatml: CHATML,
  alpaca: ALPACA,
  llama2: LLAMA2,
  plain: PLAIN,
};
