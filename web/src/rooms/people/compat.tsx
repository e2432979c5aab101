import { useEffect, useState } from "react";
import { api } from "@/api/client";
import { useMay, useSession } from "@/api/session";
import type { CompatListener } from "@/api/types";
import { useCall } from "@/live/call";
import { ErrorNote, Line, Section, Shape, Stack, Text } from "@/ui";
import { errorText, t } from "@/words";

const SHAPES = { listening: "online", off: "unknown", failed: "degraded" } as const;

/** Where programs written for the older API are answered, and what that means for their keys. A Local Agent answers none. */
export function Compat() {
  const { session } = useSession();
  const shown = useMay("administer") && session.edition !== "local_agent";
  const [listener, setListener] = useState<CompatListener | null>(null);
  const { error, run } = useCall<CompatListener>();
  useEffect(() => {
    if (shown) void run(() => api.get<CompatListener>("/compat")).then((answer) => answer && setListener(answer));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shown]);
  if (!shown || (!listener && !error)) return null;
  return (
    <Section title={t("compat.title")} id="compat">
      <Stack gap={8}>
        <Text dim wrap>{t("compat.text")}</Text>
        {error ? <ErrorNote error={error} /> : listener && <State listener={listener} />}
        {listener?.state === "listening" && <Text wrap id="compat-clear">{t("compat.clear")}</Text>}
      </Stack>
    </Section>
  );
}

function State({ listener }: { listener: CompatListener }) {
  return (
    <Line gap={8} keep>
      <Shape status={SHAPES[listener.state ?? "off"]} />
      <Text wrap id="compat-state">{told(listener, window.location.hostname)}</Text>
    </Line>
  );
}

const EVERY = ["", "0.0.0.0", "::"];
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;

/** Of a listener on all addresses: the one by which this page was reached, unless that is good on the hub's own machine alone. */
function everywhere(port: number, here: string): string {
  return LOOPBACK.test(here) ? t("compat.every", { port: String(port) }) : t("compat.every_such", { port: String(port), url: `http://${here}:${port}` });
}

/** `here`: the host in this page's address. */
export function told(listener: CompatListener, here: string): string {
  if (listener.state === "off") return t("compat.off");
  if (listener.state === "failed") return t("compat.failed", { why: errorText({ code: listener.code, message: listener.text, params: { port: String(listener.port), address: listener.host } }) });
  const every = listener.beyond && EVERY.includes(listener.host ?? "");
  const where = every ? everywhere(listener.port ?? 0, here) : t(listener.beyond ? "compat.beyond" : "compat.own", { url: listener.url ?? "" });
  const sources = listener.sources ?? [];
  return sources.length ? `${where} ${t("compat.sources", { sources: sources.join(", ") })}` : where;
}
