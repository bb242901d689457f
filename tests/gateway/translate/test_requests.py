"""Single fields of requests on their way from one wire to the other."""

from __future__ import annotations

from typing import Any

import pytest

from buildwright.gateway.errors import GatewayError
from buildwright.gateway.translate.chat_request import chat_request
from buildwright.gateway.translate.messages_request import messages_request
from buildwright.gateway.translate.ollama import ollama_request

Json = dict[str, Any]
USER: Json = {"role": "user", "content": "x"}
TOOL: Json = {"type": "function", "function": {"name": "f"}}
SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "string"}}}


def to_messages(**fields: Any) -> Json:
    """Return a chat request with these fields on the Anthropic wire."""
    return messages_request({"model": "m", "messages": [USER], **fields}, "c", 9)


def to_chat(**fields: Any) -> Json:
    """Return a request of the Anthropic wire with these fields on the OpenAI wire."""
    return chat_request({"model": "m", "max_tokens": 9, "messages": [USER], **fields})


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"temperature": 1.7}, {"temperature": 1}),
        ({"temperature": 0.2, "top_p": 0.5}, {"temperature": 0.2, "top_p": 0.5}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["A", "B"]}, {"stop_sequences": ["A", "B"]}),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"max_completion_tokens": 5, "max_tokens": 7}, {"max_tokens": 5}),
        ({"reasoning_effort": "xhigh"}, {"output_config": {"effort": "xhigh"}}),
        ({"reasoning_effort": "none"}, {}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
         {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}),
        ({"seed": 3, "presence_penalty": 1, "store": True, "never_seen": {}}, {}),
        ({"thinking": {"type": "adaptive"}}, {"thinking": {"type": "adaptive"}}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"tools": [TOOL]},
         {"tools": [{"name": "f", "input_schema": {"type": "object"}}]}),
        ({"tool_choice": "required"}, {}),
    ],
)  # fmt: skip
def test_fields_of_a_chat_request_find_their_words(given: Json, made: Json) -> None:
    plain = to_messages()
    assert to_messages(**given) == plain | made


@pytest.mark.parametrize(
    ("choice", "parallel", "made"),
    [
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"type": "function", "function": {"name": "f"}}, None, {"type": "tool", "name": "f"}),
    ],
)
def test_the_choice_of_a_tool_finds_its_words(choice: Any, parallel: Any, made: Json) -> None:
    body = to_messages(tools=[TOOL], tool_choice=choice, parallel_tool_calls=parallel)
    assert body["tool_choice"] == made


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "image_url", "image_url": {"url": "https://a/b.png"}},
         {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
         {"type": "image",
          "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}),
        ({"type": "file", "file": {"filename": "a", "file_data": "data:application/pdf;base64,QQ"}},
         {"type": "document", "title": "a",
          "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ"}}),
        ({"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}},
         {"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}}),
    ],
)  # fmt: skip
def test_parts_of_a_message_become_blocks(part: Json, block: Json) -> None:
    body = to_messages(messages=[{"role": "user", "content": [part]}])
    assert body["messages"][0]["content"] == [block]


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "messages[0].content[0].type"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp:x"}}]}],
         "messages[0].content[0].image_url.url"),
        ([USER, {"role": "assistant", "tool_calls": [
            {"id": "a", "function": {"name": "f", "arguments": "{no"}}]}],
         "messages[1].tool_calls[0].function.arguments"),
        ([USER, {"role": "function", "content": "x"}], "messages[1].role"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
        ([{"role": "system", "content": "only this"}], "messages"),
    ],
)  # fmt: skip
def test_a_message_that_cannot_be_said_is_refused_where_it_is(
    messages: list[Json], field: str
) -> None:
    with pytest.raises(GatewayError) as caught:
        to_messages(messages=messages)
    assert (caught.value.status, caught.value.param) == (400, field)
    assert caught.value.message.startswith(field)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"system": "s"}, {"messages": [{"role": "system", "content": "s"}, USER]}),
        ({"stop_sequences": ["A"], "temperature": 0.3, "top_k": 5}, {"stop": ["A"],
                                                                     "temperature": 0.3}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}, "service_tier": "auto"}, {}),
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
         {"response_format": {"type": "json_schema", "json_schema": {
             "name": "answer", "schema": SCHEMA, "strict": True}}}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
    ],
)  # fmt: skip
def test_fields_of_a_messages_request_find_their_words(given: Json, made: Json) -> None:
    assert to_chat(**given) == to_chat() | made


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tools": [{"type": "web_search_20260209", "name": "web_search"}]}, "tools[0].type"),
        ({"mcp_servers": [{"url": "u"}]}, "mcp_servers"),
        ({"messages": [{"role": "user", "content": [{"type": "search_result"}]}]},
         "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [
            {"type": "image", "source": {"type": "file", "file_id": "f"}}]}]},
         "messages[0].content[0].type"),
        ({"tools": [{"name": "f", "input_schema": {}}], "tool_choice": {"type": "x"}},
         "tool_choice.type"),
    ],
)  # fmt: skip
def test_what_other_models_have_no_word_for_is_refused_by_name(fields: Json, field: str) -> None:
    with pytest.raises(GatewayError) as caught:
        to_chat(**fields)
    assert (caught.value.status, caught.value.param) == (400, field)


def test_pictures_and_errors_in_results_of_tools_reach_the_model() -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://a/b"}}
    result = {"type": "tool_result", "tool_use_id": "t", "is_error": True,
              "content": [{"type": "text", "text": "bad"}, picture]}  # fmt: skip
    body = to_chat(messages=[{"role": "user", "content": [result]}])
    assert body["messages"] == [
        {"role": "tool", "tool_call_id": "t", "content": "Error: bad"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b"}}]},
    ]


def test_ollama_is_asked_for_the_context_that_is_known() -> None:
    body = {"messages": [USER], "response_format": {"type": "json_object"}}
    made = ollama_request(body, "m", 32_768)
    assert (made["options"], made["format"], made["stream"]) == ({"num_ctx": 32_768}, "json", False)
