"""Who may open the page over a network: browsers that once came with its whole address."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

Next = Callable[[Request], Awaitable[Response]]

TOKEN: Final = "token"
"""The parameter of the page's address."""


class Admission:
    """A dispatch of Starlette's `BaseHTTPMiddleware`.

    A browser that comes to `/?token=...` with the right one is given it as a cookie, and is known
    by that until the server ends.

    Args:
        token: What a browser has to bring.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """The answer, or the refusal of whoever has not the token."""
        cookie = f"kith-review-{request.url.port}"  # cookies do not tell ports apart
        if self._is_right(request.cookies.get(cookie)):
            return await call_next(request)
        if request.url.path == "/" and self._is_right(request.query_params.get(TOKEN)):
            answer = RedirectResponse("/", 303)
            # Lax: the address may be followed from a mail; other sites still can't post with it.
            answer.set_cookie(cookie, self._token, httponly=True, samesite="lax")
            return answer
        said = "token: is missing or wrong; open the whole address that kith datagen review printed"
        return JSONResponse({"error": said}, 401)

    def _is_right(self, given: str | None) -> bool:
        return secrets.compare_digest((given or "").encode(), self._token.encode())
