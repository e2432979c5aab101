import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { api } from "@/api/client";
import { useSession } from "@/api/session";
import type { OrganizationTerms } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, At, ErrorNote, Form, Gate, Notice, Text } from "@/ui";
import { t } from "@/words";
import { Agreements } from "./agreements";

/** The terms changed since this person accepted them: they are read and accepted before anything else. */
export function AcceptFirst({ brand, onDone }: { brand: ReactNode; onDone: () => void }) {
  const { signOut } = useSession();
  const texts = useQuery({ queryKey: ["terms"], queryFn: () => api.get<OrganizationTerms>("/organization/terms"), retry: 1, refetchOnWindowFocus: false, staleTime: 0 });
  const [agreed, setAgreed] = useState({ terms: false, privacy: false });
  const { busy, error, run } = useCall<boolean>();
  const submit = async () => {
    const done = await run(async () => {
      await api.put("/account/terms", { revision: texts.data?.revision });
      return true;
    });
    if (done) return onDone();
    setAgreed({ terms: false, privacy: false });
    void texts.refetch();
  };
  return (
    <Gate title={t("terms.changed_title")} brand={brand}>
      <Notice tone="accent" id="accept-first">
        {t("terms.changed")}
      </Notice>
      {texts.data?.since && (
        <Text dim>
          {t("organization.revision")} {texts.data.revision} · <At time={texts.data.since} />
        </Text>
      )}
      <Form onSubmit={() => void submit()} id="accept">
        {texts.error ? <ErrorNote error={texts.error} onRetry={() => void texts.refetch()} /> : <Agreements papers={texts.data} agreed={agreed} onAgree={setAgreed} />}
        <ErrorNote error={error} />
        <Act primary submit busy={busy} disabled={!texts.data || !agreed.terms || !agreed.privacy} id="accept-submit" full>
          {t("terms.accept")}
        </Act>
      </Form>
      <Act onClick={() => void signOut()} id="accept-sign-out">
        {t("action.sign_out")}
      </Act>
    </Gate>
  );
}
