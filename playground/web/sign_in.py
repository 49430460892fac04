"""Signing in and out: by the one-time link that `make run` prints, or with a password."""

from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from playground.people import attempts, links
from playground.web.access import ANYONE, access, known
from playground.web.pages import gallery

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@access(ANYONE)
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """`/`: the gallery; with `?token=`, a sign-in that leaves no token in the address bar."""
    secret = request.GET.get("token")
    if secret is not None:
        user = links.redeem(secret)
        if user is not None:
            login(request, user, backend=MODEL_BACKEND)
        elif known(request) is None:
            return HttpResponseRedirect("/sign-in/?link=failed")
        return HttpResponseRedirect("/")
    if known(request) is None:
        return HttpResponseRedirect("/sign-in/")
    return gallery(request)


@access(ANYONE)
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page, and its form with name and password."""
    if request.method != "POST":
        failed = request.GET.get("link") == "failed"
        return HttpResponseRedirect(_next(request)) if known(request) else _page(request, link_failed=failed)
    # No account's name has a zero in it, and PostgreSQL would refuse to look for one.
    name = request.POST.get("username", "")[:150].replace("\0", "")
    address = request.META.get("REMOTE_ADDR", "")
    if attempts.locked(name, address):
        return _page(request, error=gettext("Too many attempts. Wait a few minutes and try again."), status=429)
    form = AuthenticationForm(request, data=request.POST)
    if not form.is_valid():
        attempts.failed(name, address)
        return _page(request, error=gettext("That name and password do not belong together."), status=403)
    attempts.succeeded(name, address)
    login(request, form.get_user())
    return HttpResponseRedirect(_next(request))


@access(ANYONE)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return HttpResponseRedirect("/sign-in/")


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: an address of this site, never another one's."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else "/"


def _page(request: HttpRequest, *, link_failed: bool = False, error: str = "", status: int = 200) -> HttpResponse:
    context = {"title": gettext("Sign in"), "link_failed": link_failed, "error": error, "next": _next(request)}
    return render(request, "sign_in.html", context, status=status)
