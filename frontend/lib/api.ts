/**
 * The one door to /api/v1. Every failure is a `Problem` (RFC 9457), also a lost network (status 0), so that a page has
 * one thing to show. Paths are relative to /api/v1/: `api.get<Job>("jobs/…")`.
 */
import { t } from "./i18n";

export type FieldError = { field: string; message: string };

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly errors: FieldError[] = [],
    readonly code = "",
  ) {
    super(detail || title);
  }

  /** What is said about one field, or undefined. */
  of(field: string): string | undefined {
    const found = this.errors.filter((error) => error.field === field || error.field.endsWith(`.${field}`));
    return found.length > 0 ? found.map((error) => error.message).join(" ") : undefined;
  }
}

const ROOT = "/api/v1/";

function csrf(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  return meta ?? /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}

/** The problem that an answer with an error status carries; also for answers that are no problem document. */
export function problemFrom(status: number, text: string): Problem {
  try {
    const body = JSON.parse(text) as Partial<Problem> & { type?: string };
    return new Problem(status, body.title ?? "", body.detail ?? "", body.errors ?? [], body.code ?? body.type ?? "");
  } catch {
    return new Problem(status, t("The server answered with error {status}.", { status }), "");
  }
}

export function unreachable(): Problem {
  return new Problem(0, t("The server cannot be reached."), t("Your work is safe. Try again in a moment."));
}

export type Query = Record<string, string | number | boolean | undefined>;
export type Options = { query?: Query; signal?: AbortSignal; headers?: Record<string, string>; keepalive?: boolean };

/** The address of an API path with its query. */
export function url(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return ROOT + path + (search ? `?${search}` : "");
}

/** Sends a request and returns its answer when the status is 2xx; throws a Problem, or the AbortError of `signal`. */
export async function send(method: string, path: string, body?: unknown, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": document.documentElement.lang };
  if (method !== "GET") headers["X-CSRFToken"] = csrf();
  const form = body instanceof FormData;
  if (body !== undefined && !form) headers["Content-Type"] = "application/json";
  const init: RequestInit = { method, headers: { ...headers, ...options.headers }, signal: options.signal, keepalive: options.keepalive };
  if (body !== undefined) init.body = form ? body : JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(url(path, options.query), init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw unreachable();
  }
  if (!response.ok) throw problemFrom(response.status, await response.text());
  return response;
}

async function json<T>(method: string, path: string, body?: unknown, options?: Options): Promise<T> {
  const response = await send(method, path, body, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const api = {
  get: <T>(path: string, options?: Options): Promise<T> => json<T>("GET", path, undefined, options),
  post: <T>(path: string, body?: unknown, options?: Options): Promise<T> => json<T>("POST", path, body, options),
  patch: <T>(path: string, body: unknown, options?: Options): Promise<T> => json<T>("PATCH", path, body, options),
  del: (path: string, options?: Options): Promise<void> => json<void>("DELETE", path, undefined, options),
};

/** Anything thrown, as a Problem. */
export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, t("Something went wrong."), String(error));
}

export type Upload<T> = { done: Promise<T>; cancel: () => void };

/** Uploads a file with `fields`; `onprogress` hears the share sent, 0 to 1. fetch reports no upload progress, so XHR. */
export function upload<T>(path: string, file: File, fields: Record<string, string | File>, onprogress: (share: number) => void): Upload<T> {
  const request = new XMLHttpRequest();
  const done = new Promise<T>((resolve, reject) => {
    request.upload.onprogress = (event) => onprogress(event.lengthComputable && event.total > 0 ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as T);
      else reject(problemFrom(request.status, request.responseText));
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    const form = new FormData();
    for (const [key, value] of Object.entries(fields)) form.append(key, value);
    form.append("file", file);
    request.open("POST", ROOT + path);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrf());
    request.send(form);
  });
  return { done, cancel: () => request.abort() };
}
