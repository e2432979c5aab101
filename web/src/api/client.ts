import type { Problem } from "./types";

const BASE = "/api/v1";
/** How long an answer may take to begin: of what reads, of what changes something, and of what asks others or goes through much. */
const READ_MS = 30_000;
const CHANGE_MS = 20_000;
const LONG_MS = 180_000;
const LONG = /\/(test|check|try|import|merge|verify|hub|devices|users|invitation|reset)$/;

/** The time limit of a call, in milliseconds. */
export function limitOf(method: string, path: string): number {
  if (LONG.test(path.split("?")[0]!)) return LONG_MS;
  return method === "GET" ? READ_MS : CHANGE_MS;
}

/** A problem document (RFC 9457). `code` is looked up in the catalogue; `detail` is the server's own English sentence. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly params: Record<string, unknown>;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.status = problem.status;
    this.code = problem.code;
    this.params = problem.params ?? {};
  }
}

type Listener = (error: ApiError) => void;
let onSignedOut: Listener = () => undefined;

/** Called once by the session: a 401 on any call but the sign-in itself means that the session is over. */
export function whenSignedOut(listener: Listener): void {
  onSignedOut = listener;
}

async function problemOf(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as Partial<Problem>;
    return new ApiError({
      title: body.title ?? response.statusText,
      status: response.status,
      code: body.code ?? `http_${response.status}`,
      detail: body.detail ?? "",
      params: body.params,
    });
  } catch {
    return new ApiError({ title: response.statusText, status: response.status, code: `http_${response.status}`, detail: "" });
  }
}

async function send<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, withinMs?: number): Promise<T> {
  const response = await answered(method, path, body, headers, withinMs);
  if (response.status === 204 || response.headers.get("content-length") === "0") return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** Nobody answered. What only reads is asked again by itself; what changes something is not, and had time run out it may be done all the same. */
function unanswered(method: string, late: boolean): ApiError {
  const code = method === "GET" ? "hub_not_answering" : late ? "hub_timed_out" : "hub_not_done";
  return new ApiError({ title: "", status: 0, code, detail: "" });
}

/** The answer of a call that went well; all else is an ApiError. */
async function answered(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, withinMs?: number): Promise<Response> {
  let response: Response;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), withinMs ?? limitOf(method, path));
  try {
    response = await fetch(BASE + path, {
      method,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: late.signal,
    });
  } catch {
    throw unanswered(method, late.signal.aborted);
  } finally {
    clearTimeout(timer); // what is on its way, a long file even, comes whole
  }
  if (!response.ok) {
    const error = await problemOf(response);
    if (error.status === 401 && error.code === "unauthenticated") onSignedOut(error);
    throw error;
  }
  return response;
}

export interface TextFile {
  name: string;
  text: string;
}

async function file(path: string): Promise<TextFile> {
  const response = await answered("GET", path, undefined, { Accept: "text/plain, application/problem+json" });
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  return { name: name ?? "download.txt", text: await response.text() };
}

/** Sends a file as it is. `onPart` hears how much of it is there, from 0 to 1: fetch can't tell. */
export function upload<T>(path: string, file: File, onPart: (part: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", BASE + path);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && onPart(event.loaded / event.total);
    request.onerror = () => reject(unanswered("POST", false));
    request.onload = () => {
      const answer = new Response(request.responseText, { status: request.status, statusText: request.statusText });
      if (answer.ok) resolve(JSON.parse(request.responseText) as T);
      else
        void problemOf(answer).then((error) => {
          if (error.status === 401 && error.code === "unauthenticated") onSignedOut(error);
          reject(error);
        });
    };
    request.send(file);
  });
}

export const api = {
  get: <T>(path: string) => send<T>("GET", path),
  /** What an endpoint gives as a file. */
  file,
  post: <T>(path: string, body: unknown = {}, headers?: Record<string, string>, withinMs?: number) => send<T>("POST", path, body, headers, withinMs),
  put: <T>(path: string, body: unknown) => send<T>("PUT", path, body),
  patch: <T>(path: string, body: unknown) => send<T>("PATCH", path, body),
  delete: (path: string) => send<void>("DELETE", path),
};

/** `{status: "offline", q: ""}` → `status=offline`: empty values fall away, keys in a fixed order so that equal filters are equal topics. */
export function query(values: Record<string, string | number | undefined | null>): string {
  const parts = Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value)).replace(/%2C/g, ",")}`);
  return parts.join("&");
}
