/** The token of a link for a forgotten password: read once, then gone from the address bar and the history. */
let token = "";

export function takeToken(): void {
  const found = /^\/reset\/([\w-]+)$/.exec(location.pathname);
  if (!found) return;
  token = found[1]!;
  history.replaceState(history.state, "", "/");
}

export function resetToken(): string {
  return token;
}

export function forgetToken(): void {
  token = "";
}
