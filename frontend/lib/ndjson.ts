/** A response that comes line by line, each line one JSON value. */
export async function* lines(response: Response): AsyncGenerator<unknown> {
  const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = done ? "" : (parts.pop() as string);
    for (const line of parts) if (line.trim() !== "") yield JSON.parse(line) as unknown;
    if (done) return;
  }
}
