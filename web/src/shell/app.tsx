import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { api, ApiError, whenSignedOut } from "@/api/client";
import { SessionContext } from "@/api/session";
import type { Session } from "@/api/types";
import { live } from "@/live/socket";
import { useLine } from "@/live/hooks";
import { commands } from "@/live/commands";
import { AcceptFirst } from "@/rooms/people/accept-first";
import { FirstRun } from "@/rooms/people/first-run";
import { Register } from "@/rooms/people/register";
import { Reset } from "@/rooms/people/reset";
import { SetUpFirst } from "@/rooms/people/second-factor";
import { SignIn } from "@/rooms/people/sign-in";
import { Act, Brand, ErrorNote, Gate, Root } from "@/ui";
import { currentLanguage, format, LANGUAGES, setLanguage, t, useWords, type Language } from "@/words";
import icon from "./favicon.svg";
import { firstRunCode, forgetCode } from "./first-run-code";
import { forgetRegistration, registration } from "./registration";
import { forgetToken, resetToken } from "./reset-token";
import { router } from "./router";

const queries = new QueryClient({
  defaultOptions: { queries: { retry: (n, error) => n < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500), staleTime: 10_000 } },
});

export function App() {
  useWords();
  return (
    <Root>
      <QueryClientProvider client={queries}>
        <Sessions key={currentLanguage()} />
      </QueryClientProvider>
    </Root>
  );
}

/** The person's own clock and language, whichever browser this is. */
function settleIn(session: Session): void {
  format.setOwnZone(session.person?.zone ?? "");
  const language = session.person?.language ?? "";
  if (language in LANGUAGES && language !== currentLanguage()) void setLanguage(language as Language);
}

// kept over a change of language, which builds the page anew
let known: Session | null = null;

function Sessions(): ReactNode {
  const [session, setSession] = useState<Session | null>(known);
  const [error, setError] = useState<unknown>(null);
  const line = useLine();
  const replace = useCallback((next: Session) => {
    known = next;
    settleIn(next);
    setSession(next);
  }, []);
  // somebody else was first, or the address of the first start was opened again
  const [used, setUsed] = useState(false);
  const [joining, setJoining] = useState(registration() !== null);
  const signedInAs = (next: Session) => {
    forgetCode();
    setUsed(false);
    replace(next);
  };
  const load = useCallback(async () => {
    try {
      replace(await api.get<Session>("/session"));
      setError(null);
    } catch (problem) {
      setError(problem);
    }
  }, [replace]);

  useEffect(() => {
    void load();
    whenSignedOut(() => void load());
  }, [load]);

  const [token, setToken] = useState(resetToken);
  const [reset, setReset] = useState(false);
  const signedIn = Boolean(session?.person) && !session?.set_up_first && !session?.accept_first;
  useEffect(() => {
    if (!signedIn) return;
    live.start();
    const wake = () => document.visibilityState === "visible" && live.hurry();
    document.addEventListener("visibilitychange", wake);
    addEventListener("online", wake);
    return () => {
      document.removeEventListener("visibilitychange", wake);
      removeEventListener("online", wake);
    };
  }, [signedIn]);
  useEffect(() => {
    if (!signedIn && session) {
      live.stop();
      commands.clear();
      queries.clear();
    }
  }, [signedIn, session]);
  // a line that is refused may mean that the session is over
  useEffect(() => {
    if (line.state !== "lost") return undefined;
    void load();
    // it may also end while the line is being made again, and nothing would say so
    const timer = setInterval(() => void load(), 5_000);
    return () => clearInterval(timer);
  }, [line.state, load]);
  // the hub was not there when the page opened: ask again by itself
  useEffect(() => {
    if (session || !error) return undefined;
    const timer = setInterval(() => void load(), 3_000);
    return () => clearInterval(timer);
  }, [session, error, load]);

  const value = useMemo(
    () =>
      session && {
        session,
        replace,
        signOut: async () => {
          await api.delete("/session").catch(() => undefined);
          await load();
        },
      },
    [session, replace, load],
  );

  const brand = <Brand icon={icon} name="Soundpost" />;
  if (!session)
    return error ? (
      <Gate title={t("session.no_hub")} brand={brand}>
        <ErrorNote error={error} />
        <Act onClick={() => void load()}>{t("action.try_again")}</Act>
      </Gate>
    ) : null;
  const invited = joining ? registration() : null;
  if (invited !== null && !session.first_run)
    return (
      <Register
        session={session}
        token={invited}
        brand={brand}
        onSignOut={value!.signOut}
        onLeave={() => {
          forgetRegistration();
          setJoining(false);
          void router.navigate({ to: "/", replace: true });
        }}
        onDone={(next) => {
          forgetRegistration();
          setJoining(false);
          replace(next);
          void router.navigate({ to: "/settings/account", search: { first: "1" } as never, replace: true });
        }}
      />
    );
  if (token)
    return (
      <Reset
        session={session}
        token={token}
        brand={brand}
        onClose={(done) => {
          forgetToken();
          setToken("");
          setReset(done);
          void load();
        }}
      />
    );
  if (session.first_run && !session.person)
    return (
      <FirstRun
        session={session}
        code={firstRunCode()}
        brand={brand}
        onTaken={() => {
          setUsed(true);
          void load();
        }}
        onDone={(next) => {
          forgetCode();
          replace(next);
          void router.navigate({ to: "/settings/account", search: { first: "1" } as never, replace: true });
        }}
      />
    );
  if (!session.person) return <SignIn session={session} brand={brand} used={used || firstRunCode() !== ""} reset={reset} onDone={signedInAs} />;
  return (
    <SessionContext.Provider value={value}>
      {session.accept_first ? <AcceptFirst brand={brand} onDone={() => void load()} /> : session.set_up_first ? <SetUpFirst brand={brand} onDone={() => void load()} /> : <RouterProvider router={router} />}
    </SessionContext.Provider>
  );
}
