import { useEffect, useState } from "react";
import { api } from "@/api/client";
import { useMay } from "@/api/session";
import type { AuditProof } from "@/api/types";
import { useCall } from "@/live/call";
import { Ago, Dialog, ErrorNote, Line, LinkButton, Notice, Shape, Stack, Text } from "@/ui";
import { maybe, t } from "@/words";

/** Whether the audit proves itself, as owners are told: by the last pass over the whole chain, or one made now. */
export function Proof() {
  const owner = useMay("own", true);
  const [proof, setProof] = useState<AuditProof | null>(null);
  const [open, setOpen] = useState(false);
  const { busy, error, run } = useCall<AuditProof>();
  const ask = async (now: boolean) => {
    const answer = await run(() => api.get<AuditProof>(`/audit/verify${now ? "?now=true" : ""}`));
    if (answer) setProof(answer);
  };
  useEffect(() => {
    if (owner) void ask(false);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [owner]);
  if (!owner) return null;
  if (error) return <ErrorNote error={error} />;
  if (!proof) return <Text dim>{t("audit.checking")}</Text>;
  const broken = proof.state === "broken";
  return (
    <Line gap={8}>
      <Shape status={broken ? "offline" : "online"} />
      {broken ? (
        <LinkButton onClick={() => setOpen(true)} id="audit-broken">
          {t("audit.broken")}
        </LinkButton>
      ) : (
        <Text id="audit-proof">{proof.upto ? t("audit.verified", { n: proof.upto }) : t("audit.no_rows")}</Text>
      )}
      <Text dim small>
        <Ago time={proof.as_of} />
      </Text>
      {!broken && proof.older > 0 && (
        <Text dim small id="audit-older">
          {t("audit.old_rows", { n: proof.older })}
        </Text>
      )}
      {proof.restored.slice(-1).map((one) => (
        <Text key={one.n} small id="audit-restored">
          {t("audit.restored", { n: one.n })}
        </Text>
      ))}
      <LinkButton onClick={() => void ask(true)} id="audit-verify">
        {busy ? t("audit.checking") : t("audit.verify")}
      </LinkButton>
      {open && <Findings proof={proof} onClose={() => setOpen(false)} />}
    </Line>
  );
}

function Findings({ proof, onClose }: { proof: AuditProof; onClose: () => void }) {
  return (
    <Dialog title={t("audit.broken")} onClose={onClose} id="dialog-proof" wide>
      <Stack gap={12}>
        {proof.findings.map((finding) => (
          <Notice key={`${finding.n}-${finding.code}`} tone="offline">
            <Text strong>{finding.n === finding.upto ? t("audit.finding", { n: finding.n }) : t("audit.findings", { n: finding.n, upto: finding.upto })}</Text> <Text wrap>{maybe(`audit.found.${finding.code}`, finding.text)}</Text>
          </Notice>
        ))}
        {proof.untold > 0 && <Text>{t("audit.untold", { n: proof.untold })}</Text>}
        {proof.older > 0 && <Text dim>{t("audit.old_rows", { n: proof.older })}</Text>}
      </Stack>
    </Dialog>
  );
}
