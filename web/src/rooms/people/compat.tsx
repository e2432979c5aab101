import { useEffect, useState } from "react";
import { api } from "@/api/client";
import { useMay, useSession } from "@/api/session";
import type { CompatListener } from "@/api/types";
import { useCall } from "@/live/call";
import { ErrorNote, Line, Section, Shape, Stack, Text } from "@/ui";
import { maybe, t } from "@/words";

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
    <Line gap={8}>
      <Shape status={SHAPES[listener.state ?? "off"]} />
      <Text wrap id="compat-state">{told(listener)}</Text>
    </Line>
  );
}

export function told(listener: CompatListener): string {
  if (listener.state === "off") return t("compat.off");
  if (listener.state === "failed") return t("compat.failed", { why: maybe(`error.${listener.code}`, listener.text ?? "") });
  const where = t(listener.beyond ? "compat.beyond" : "compat.own", { url: listener.url ?? "" });
  const sources = listener.sources ?? [];
  return sources.length ? `${where} ${t("compat.sources", { sources: sources.join(", ") })}` : where;
}
