#!/usr/bin/env python3
"""Makes chat.jsonl: templates written here in the manner of the published ones, and what transformers renders from them.

    make_chat.py > chat.jsonl          (transformers 5.23, jinja2 3.1)

Each line: {"template", "variables", "want"}, or "error" instead of "want" where rendering refuses. bos_token and eos_token are "<s>" and "</s>"."""
import json, sys
from transformers.utils import chat_template_utils as u

compile_template = getattr(u, "_compile_jinja_template")

turns = [{"role": "system", "content": "Be brief.\n"}, {"role": "user", "content": "  안녕? <|im_end|>"}, {"role": "assistant", "content": "네.\n"},
         {"role": "user", "content": "1+1 = \"2\"?"}]
tool = {"type": "function", "function": {"name": "weather", "description": "날씨 <b>\"now\"</b>\n", "parameters": {"type": "object", "properties":
        {"city": {"type": "string", "enum": ["서울", "Busan"]}, "days": {"type": "integer", "default": 3, "x": [1.5, True, None, 1e-7]}}, "required": ["city"]}}}
calls = turns[:2] + [{"role": "assistant", "content": None, "tool_calls": [{"id": "a1", "function": {"name": "weather", "arguments": {"city": "서울", "days": 2}}}]},
                     {"role": "tool", "tool_call_id": "a1", "content": "{\"t\": 21}"}, {"role": "user", "content": "thanks"}]
parts = [{"role": "user", "content": [{"type": "text", "text": "look "}, {"type": "image"}, {"type": "text", "text": "here"}]}]

templates = {
    "chatml": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
              "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "headers": "{{- bos_token }}\n{%- for m in messages %}\n    {{- '<|start_header_id|>' ~ m.role ~ '<|end_header_id|>\\n\\n' ~ m.content | trim ~ '<|eot_id|>' }}\n"
               "{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n",
    "inst": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
            "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
            "{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
            "{{ raise_exception('Roles must alternate user/assistant') }}{% endif %}"
            "{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
            "{% else %}{% set content = message['content'] %}{% endif %}"
            "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
            "{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "turns": "{{ bos_token }}{% for m in messages if m.role != 'system' %}{% if m.role == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = m.role %}"
             "{% endif %}<start_of_turn>{{ role }}\n{{ m.content | trim }}<end_of_turn>\n{% else %}nobody{% endfor %}{{ 'x' if add_generation_prompt }}",
    "tools": "{%- if tools %}\n    {{- 'Tools:' }}\n    {%- for tool in tools %}\n        {{- \"\\n\" }}\n        {{- tool | tojson }}\n    {%- endfor %}\n{%- endif %}\n"
             "{%- for m in messages %}\n    {%- if m.tool_calls %}\n        {%- for call in m.tool_calls %}\n            {%- if call.function is defined %}"
             "{%- set call = call.function %}{%- endif %}\n            {{- '<tool_call>{\"name\": \"' ~ call.name ~ '\", \"arguments\": ' }}{{- call.arguments | tojson }}"
             "{{- '}</tool_call>' }}\n        {%- endfor %}\n    {%- elif m.role == 'tool' %}\n        {{- '<tool_response>' + m.content + '</tool_response>' }}\n"
             "    {%- else %}\n        {{- m.role + ': ' + m.content + '\\n' }}\n    {%- endif %}\n{%- endfor %}",
    "namespace": "{%- set ns = namespace(multi=true, last=messages|length - 1, seen=[]) %}\n{%- for m in messages[::-1] %}\n"
                 "    {%- set index = (messages|length - 1) - loop.index0 %}\n"
                 "    {%- if ns.multi and m.role == 'user' and m.content is string and not (m.content.startswith('<tool') and m.content.endswith('>')) %}\n"
                 "        {%- set ns.multi = false %}\n        {%- set ns.last = index %}\n    {%- endif %}\n{%- endfor %}\n{{ ns.last }}/{{ ns.multi }}/{{ ns.seen }}",
    "macro": "{%- macro show(name, value, depth=1) -%}\n{{ '#' * depth }} {{ name }}: {% if value is mapping %}{% for k, v in value.items() %}{{ show(k, v, depth + 1) }}"
             "{% if not loop.last %}, {% endif %}{% endfor %}{% elif value is iterable and value is not string %}[{{ value | join(', ') }}]{% else %}{{ value }}"
             "{% endif %}\n{%- endmacro -%}\n{%- for t in tools or [] %}{{ show('tool', t.function) }}{% endfor %}",
    "parts": "{% for m in messages %}{{ m['role'] }}:{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}{% if c['type'] == 'image' %}"
             "<image>{% elif c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}",
    "filters": "{{ messages | map(attribute='role') | join('|') }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }} "
               "{{ (messages | rejectattr('role', 'in', ['user', 'system']) | first).content | upper }} {{ messages[-1].content[2:5] }} {{ 'a,b,c'.split(',')[-1] }} "
               "{{ missing | default('none') }} {{ '' | default('empty', true) }} {{ [3, 1, 2] | reverse | list }} {{ {'b': 1, 'a': 'x\\'y'} | dictsort }} "
               "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 * 3.5 }} {{ 'ab' * 2 }} {{ 10 > 9 > 8 }} {{ not none }} {{ 1 == 1.0 }} {{ 'x' in 'xy' }} "
               "{{ 3 not in [1, 2] }} {{ 'Ab cD'|capitalize }} {{ 'ab cd'|title }} {{ [1, 'a', none, true, 1.0, [2]] }} {{ {'k': (1,)} }} {{ range(3) | list }} "
               "{{ [1, 2, 2, 1] | unique | list }} {{ 'x' ~ 1 ~ none }} {{ ' a '|trim }}|{{ '3' | int + 1 }} {{ messages is iterable }} {{ 5 is odd }} {{ 6 is divisibleby 3 }}",
    "blanks": "  {% if true %}\n  yes\n  {% endif %}\n  {# note #}\n{%- if false %} no {%- else -%}  \n else \n {%- endif %}\n end {{- 1 -}}  \n\n x\n{% raw %}{{ raw }}{% endraw %}\n\n",
    "setblock": "{% set greeting %}Hi {{ messages[0].role }}{% endset %}[{{ greeting }}]{% set a, b = 1, 2 %}{{ a + b }}{% for x in [1, 2, 3, 4] %}{% if x == 2 %}{% continue %}{% endif %}"
                "{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}{% generation %}g{% endgeneration %}{{ loop is defined }}",
    "undefined": "{{ nothing }}|{{ messages[9] }}|{{ messages[0].nope }}|{% if nothing %}a{% else %}b{% endif %}{% for x in nothing %}c{% endfor %}|{{ nothing is undefined }}",
    "indent": "{{ tools | tojson(indent=2) }}\n{{ tools[0].function.parameters.properties | tojson(indent=4) }}|{{ 'a\\nb\\n\\nc' | indent(2) }}",
    "roles": "{% for message in messages %}{{'<|' + message['role'] + '|>' + '\\n' + message['content'] + '<|end|>\\n'}}{% endfor %}{% if add_generation_prompt %}{{'<|assistant|>\\n'}}"
             "{% else %}{{ eos_token }}{% endif %}",
    "thinking": "{%- for m in messages %}{%- if m.role == 'assistant' %}{%- set content = m.content %}{%- if '</think>' in content %}"
                "{%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}{%- set content = content.split('</think>')[-1].lstrip('\\n') %}"
                "{{- '<think>\\n' + reasoning + '\\n</think>\\n\\n' }}{%- endif %}{{- content }}{%- else %}{{- m.content }}{%- endif %}{%- endfor %}"
                "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}",
    "refuses_plus": "{{ 'a' + 1 }}",
    "refuses_attribute": "{{ nothing.more }}",
    "refuses_zero": "{{ 1 / 0 }}",
}
think = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "<think>\nwhy\n</think>\n\nbecause"}]
variables = [{"messages": turns, "add_generation_prompt": True}, {"messages": turns[1:], "add_generation_prompt": False, "tools": [tool]},
             {"messages": calls, "tools": [tool, tool], "add_generation_prompt": True}, {"messages": parts}, {"messages": []},
             {"messages": think, "enable_thinking": False}]
for name, template in templates.items():
    compiled = compile_template(template)
    for v in variables:
        case = {"name": name, "template": template, "variables": v}
        try:
            case["want"] = compiled.render(bos_token="<s>", eos_token="</s>", **v)
        except Exception as error:
            case["error"] = type(error).__name__
        print(json.dumps(case, ensure_ascii=False))
