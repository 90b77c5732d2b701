# What schemathesis needs to ask the backend API in earnest: a token that is good, and what every answer
# promises (backend-api.md 1.4). How to run it: docs/testing.md.
import os

import schemathesis

APP, KEY = os.environ["APP"], os.environ["KEY"]


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if not isinstance(body, dict):
        return
    if body.get("op") in ("appdel", "apptoken"):
        body["op"] = "appget"  # The app and its token are needed further.
    if body.get("op") in ("appadd", "appsget"):
        body["key"] = KEY
        body.pop("token", None)
    else:
        body["token"] = APP


@schemathesis.check
def envelope(ctx, response, case):
    answer = response.json()
    assert isinstance(answer["op"], str)
    assert isinstance(answer["result"], bool)
    if answer["result"]:
        assert "error" not in answer
        return
    assert isinstance(answer["code"], int) and answer["cause"]
    assert answer["error"] != "SERVER", answer["cause"]
    if isinstance(case.body, dict):
        assert answer["error"] != "AUTHFAIL", answer["cause"]
