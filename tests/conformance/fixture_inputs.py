"""Tools that ask back within one answer (2026-07-28), with state that the client carries and cannot forge."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolRequestParams, CallToolResult, InputRequiredResult

Wire = dict[str, Any]
Answer = CallToolResult | InputRequiredResult
_KEY = b"of this test server alone"
_ROOTS: Wire = {"method": "roots/list", "params": {}}


def ask(requests: Wire, state: str | None = None) -> InputRequiredResult:
    """An answer that is a question."""
    signed = {} if state is None else {"requestState": f"{state}.{_sign(state)}"}
    return InputRequiredResult.model_validate({"inputRequests": requests, **signed})


def elicit(message: str, name: str, kind: str = "string") -> Wire:
    """A question to the person."""
    schema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def sample(words: str, most: int = 100) -> Wire:
    """A question to the person's model."""
    message = {"role": "user", "content": {"type": "text", "text": words}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": most}}


def run_elicitation(given: Wire, state: str | None, context: ServerRequestContext[Any, Any]) -> Answer:
    """Asks for a name."""
    if "user_name" not in given:
        return ask({"user_name": elicit("What is your name?", "name")})
    content: Wire = given["user_name"].content or {}
    return say(f"Hello, {content.get('name')}!")


def run_sampling(given: Wire, state: str | None, context: ServerRequestContext[Any, Any]) -> Answer:
    """Asks the model."""
    if "capital_question" not in given:
        return ask({"capital_question": sample("What is the capital of France?")})
    return say(f"The model says: {given['capital_question'].content.text}")


def run_roots(given: Wire, state: str | None, context: ServerRequestContext[Any, Any]) -> Answer:
    """Asks for the roots."""
    if "client_roots" not in given:
        return ask({"client_roots": _ROOTS})
    return say(", ".join(str(root.uri) for root in given["client_roots"].roots))


def run_state(given: Wire, state: str | None, context: ServerRequestContext[Any, Any]) -> Answer:
    """Asks for a confirmation and wants its state back."""
    if "confirm" not in given:
        return ask({"confirm": elicit("Please confirm", "ok", "boolean")}, "confirming")
    return say("state-ok" if state == "confirming" else "another state")


def run_several(given: Wire, state: str | None, context: ServerRequestContext[Any, Any]) -> Answer:
    """Asks for three things at once."""
    wanted: Wire = {
        "user_name": elicit("What is your name?", "name"),
        "greeting": sample("Generate a greeting", 50),
        "client_roots": _ROOTS,
    }
    return say("All there.") if wanted.keys() <= given.keys() else ask(wanted, "several")


def run_rounds(given: Wire, state: str | None, context: ServerRequestContext[Any, Any]) -> Answer:
    """Asks twice, one after the other."""
    if state == "round 2" and "step2" in given:
        return say("Both steps are done.")
    if state == "round 1" and "step1" in given:
        return ask({"step2": elicit("Step 2: What is your favorite color?", "color")}, "round 2")
    return ask({"step1": elicit("Step 1: What is your name?", "name")}, "round 1")


def run_capabilities(given: Wire, state: str | None, context: ServerRequestContext[Any, Any]) -> Answer:
    """Asks for nothing that the client did not say it can do."""
    able = context.session.client_capabilities
    requests: Wire = {}
    if able is not None and able.elicitation is not None:
        requests["user_name"] = elicit("What is your name?", "name")
    if able is not None and able.sampling is not None:
        requests["greeting"] = sample("Generate a greeting")
    return ask(requests, "capabilities")


Ask = Callable[[Wire, str | None, ServerRequestContext[Any, Any]], Answer]
ASKING: dict[str, Ask] = {
    "test_input_required_result_elicitation": run_elicitation,
    "test_input_required_result_sampling": run_sampling,
    "test_input_required_result_list_roots": run_roots,
    "test_input_required_result_request_state": run_state,
    "test_input_required_result_multiple_inputs": run_several,
    "test_input_required_result_multi_round": run_rounds,
    "test_input_required_result_tampered_state": run_state,
    "test_input_required_result_capabilities": run_capabilities,
    "test_streaming_elicitation": run_elicitation,
}


def run_asking(context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> Answer:
    """One round of a tool that asks back."""
    state = None
    if params.request_state is not None:
        state, _, signature = params.request_state.rpartition(".")
        if not hmac.compare_digest(signature, _sign(state)):
            raise MCPError(INVALID_PARAMS, "`requestState` is not what this server gave.")
    return ASKING[params.name](dict(params.input_responses or {}), state, context)


def say(words: str) -> CallToolResult:
    """A plain answer."""
    return CallToolResult.model_validate({"content": [{"type": "text", "text": words}]})


def _sign(state: str) -> str:
    return hmac.new(_KEY, state.encode(), hashlib.sha256).hexdigest()
