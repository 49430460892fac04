"""Every address of the site. Each view declares its policy; a test walks this list and fails for one that does not."""

from django.urls import path

from playground.web import pages, sign_in
from playground.web.api import api, urls

urlpatterns = [
    path("", sign_in.home, name="gallery"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("wings/<slug:wing>/", pages.wing, name="wing"),
    path("exhibits/<slug:wing>/<slug:slug>/", pages.exhibit, name="exhibit"),
    path("train/", pages.train, name="train"),
    path("runs/", pages.runs, name="runs"),
    path("runs/<uuid:id>/", pages.run, name="run"),
    path("sweeps/<uuid:id>/", pages.sweep, name="sweep"),
    path("compare/", pages.compare, name="compare"),
    path("library/", pages.library, name="library"),
    path("models/<uuid:id>/talk/", pages.talk, name="talk"),
    path("i18n/setlang/", pages.set_language, name="set-language"),
    path("i18n/catalogue.json", pages.catalogue_json, name="catalogue"),
    path("api/docs", urls.docs, name="api-docs"),
    path("api/v1/", urls.declared(api)),
]
handler400 = "playground.web.pages.bad_request"
handler403 = "playground.web.pages.forbidden"
handler404 = "playground.web.pages.not_found"
handler500 = "playground.web.pages.server_error"
