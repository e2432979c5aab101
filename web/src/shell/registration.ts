/** The token of an invitation's link: read once, then gone from the address bar and the history. A reload finds it again in this tab. */
const PLACE = "/register";
const KEPT = "soundpost.registration";
let token = "";

function keep(value: string): void {
  try {
    if (value) sessionStorage.setItem(KEPT, value);
    else sessionStorage.removeItem(KEPT);
  } catch {
    /* private window: the link is opened again after a reload */
  }
}

export function takeRegistration(): void {
  if (location.pathname !== PLACE && !location.pathname.startsWith(`${PLACE}/`)) return;
  const found = location.pathname.slice(PLACE.length + 1);
  if (found) {
    token = found; // letters, digits, - and _ only: nothing to decode
    keep(token);
    history.replaceState(null, "", PLACE);
    return;
  }
  try {
    token = sessionStorage.getItem(KEPT) ?? "";
  } catch {
    token = "";
  }
}

/** The link's token, "" where the page was opened without one; null on every other page. */
export const registration = (): string | null => (location.pathname === PLACE ? token : null);

export function forgetRegistration(): void {
  token = "";
  keep("");
  history.replaceState(null, "", "/");
}
