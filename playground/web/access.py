"""Who may call what: one policy object on every route, and none is reachable without.

Pages carry theirs through `@access(...)`, API operations through `auth=...`, websocket consumers as their
attribute `access`. A request is somebody through `Authorization: Bearer vt_...` or through the session
cookie; with the header the cookie counts for nothing, so a header needs no CSRF token.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _
from ninja.utils import check_csrf

from playground.domain.errors import Forbidden
from playground.people import tokens
from playground.people.models import User
from playground.web.identity import bearer

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Policy:
    """A rule about the person alone; which objects they reach is decided by each `for_user` query."""

    name: str
    allows: Callable[[User | None], bool]

    def __call__(self, request: HttpRequest) -> object:
        """Admit an API request: the user (or True for a stranger where that is enough), or None for 401.

        Raises Forbidden for a known user whom the rule excludes and for a cookie without CSRF token.
        """
        user = known(request)
        if not self.allows(user):
            if user is None:
                return None
            raise Forbidden(_("Your account may not do this."))
        if user is not None and check_csrf(request) is not None:
            raise Forbidden(
                _("The request has no valid CSRF token. Reload the page, or send an API token instead of a cookie."),
                code="csrf",
            )
        return user or True


ANYONE = Policy("anyone", lambda user: True)
SIGNED_IN = Policy("signed in", lambda user: user is not None)
OWNER = Policy("owner", lambda user: user is not None and user.role == "owner")
EACH_OPERATION = Policy("each operation has its own", lambda user: True)


def access(policy: Policy) -> Callable[[View], View]:
    """Declare the policy of a page view (or of anything else that a URL leads to)."""

    def declare(view: View) -> View:
        view.__dict__.update(access=policy)
        return view

    return declare


def known(request: HttpRequest) -> User | None:
    """The active user behind a request, or None."""
    user: User | AnonymousUser = request.user
    return user if isinstance(user, User) and user.is_active else None


def user_of(request: HttpRequest) -> User:
    """The user of a request that a policy has admitted. Raises Forbidden where there is none."""
    user = known(request)
    if user is None:
        raise Forbidden(_("You are not signed in."))
    return user


class IdentityMiddleware(MiddlewareMixin):
    """Sets `request.user` from a bearer token, and turns away requests whose view does not admit them."""

    def process_request(self, request: HttpRequest) -> None:
        """Let the Authorization header, where there is one, decide alone who this is."""
        authorization = request.headers.get("authorization")
        if authorization is None:
            return
        secret = bearer(authorization)
        request.user = (tokens.authenticate(secret) if secret else None) or AnonymousUser()
        # A foreign page cannot make a browser send this header, so forgery is not possible here.
        request.__dict__.update(_dont_enforce_csrf_checks=True)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Refuse a view without a policy; send a stranger to the sign-in page."""
        policy = getattr(view, "access", None)
        if not isinstance(policy, Policy):
            raise PermissionError(f"{request.path} declares no access policy")
        user = None if policy in (ANYONE, EACH_OPERATION) else known(request)
        if policy.allows(user):
            return None
        if user is not None:
            raise Forbidden(_("Your account may not do this."))
        query = {"next": request.get_full_path()} if request.method == "GET" and request.path != "/" else {}
        return HttpResponseRedirect(reverse("sign-in") + (f"?{urlencode(query)}" if query else ""))
