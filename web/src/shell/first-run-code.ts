/** The one-time code of the start-up address: read once, then gone from the address bar and the history. */
let code = "";

export function takeCode(): void {
  const url = new URL(location.href);
  const found = url.searchParams.get("code");
  if (!found) return;
  code = found;
  url.searchParams.delete("code");
  history.replaceState(history.state, "", url.pathname + url.search + url.hash);
}

export function firstRunCode(): string {
  return code;
}

/** It has done its work: whoever signs out later is not told of it again. */
export function forgetCode(): void {
  code = "";
}
