/** The same request as this page makes, for a terminal or a notebook; the token stands in the environment. */

function address(path: string): string {
  return `${location.origin}/api/v1/${path}`;
}

/** A Python program with the standard library alone. */
export function python(method: string, path: string, body?: unknown): string {
  const lines = ["import json, os, urllib.request", ""];
  // JSON may write a quotation mark as its number; so nothing in a text can end the Python string around it.
  if (body !== undefined) lines.push(`body = json.loads(r'''${JSON.stringify(body, null, 2).replaceAll("'", "\\u0027")}''')`);
  lines.push(
    "request = urllib.request.Request(",
    `    ${JSON.stringify(address(path))},`,
    `    method=${JSON.stringify(method)},`,
    ...(body === undefined ? [] : ["    data=json.dumps(body).encode(),"]),
    "    headers={",
    '        "Authorization": f"Bearer {os.environ[\'VITRINE_TOKEN\']}",',
    ...(body === undefined ? [] : ['        "Content-Type": "application/json",']),
    "    },",
    ")",
    "print(json.load(urllib.request.urlopen(request)))",
  );
  return lines.join("\n");
}

/** One line for a POSIX shell. */
export function curl(method: string, path: string, body?: unknown): string {
  const parts = ["curl", `-X ${method}`, quote(address(path)), '-H "Authorization: Bearer $VITRINE_TOKEN"'];
  if (body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`);
  return parts.join(" ");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
