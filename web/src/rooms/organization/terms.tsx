import { useState } from "react";
import type { OrganizationTerms } from "@/api/types";
import { At, Details, Facts, LongField, Section, Stack, Text, TextField, Tool, ToolBar } from "@/ui";
import { t } from "@/words";
import { Edit, type PartProps } from "./parts";

export function Terms({ settings, locked, onChanged }: PartProps) {
  const [open, setOpen] = useState(false);
  const terms = settings.terms;
  return (
    <Section title={t("organization.terms")} id="organization-terms">
      <ToolBar label={t("organization.terms")}>
        <Tool name={t("action.change")} onClick={() => setOpen(true)} reason={locked} id="terms" />
      </ToolBar>
      <TermsText terms={terms} />
      {open && <Change terms={terms} onChanged={onChanged} onClose={() => setOpen(false)} />}
    </Section>
  );
}

/** What people accept when they join, and since when. */
export function TermsText({ terms }: { terms: OrganizationTerms }) {
  if (!terms.revision) return <Text dim>{t("organization.no_terms")}</Text>;
  return (
    <Stack gap={8}>
      <Facts
        lines={[
          {
            name: t("organization.revision"),
            value: (
              <>
                {terms.revision} · {t("organization.since")} <At time={terms.since} />
              </>
            ),
            id: "terms-revision",
          },
          ...(terms.terms_link ? [{ name: t("organization.terms_of_use"), value: terms.terms_link }] : []),
          ...(terms.privacy_link ? [{ name: t("organization.privacy"), value: terms.privacy_link }] : []),
        ]}
      />
      {terms.terms && (
        <Details title={t("organization.terms_of_use")} id="terms-text">
          <Paragraphs text={terms.terms} />
        </Details>
      )}
      {terms.privacy && (
        <Details title={t("organization.privacy")} id="privacy-text">
          <Paragraphs text={terms.privacy} />
        </Details>
      )}
    </Stack>
  );
}

function Paragraphs({ text }: { text: string }) {
  return (
    <Stack gap={8}>
      {text.split(/\n+/).map((line, index) => (
        <Text key={index} wrap>
          {line}
        </Text>
      ))}
    </Stack>
  );
}

function Change({ terms, onChanged, onClose }: Pick<PartProps, "onChanged"> & { terms: OrganizationTerms; onClose: () => void }) {
  const [said, setSaid] = useState({ terms: terms.terms, terms_link: terms.terms_link, privacy: terms.privacy, privacy_link: terms.privacy_link });
  const say = (field: keyof typeof said) => (text: string) => setSaid((old) => ({ ...old, [field]: text }));
  return (
    <Edit title={t("organization.terms")} id="terms" wide body={() => ({ terms: said })} onChanged={onChanged} onClose={onClose}>
      <Text dim>{t("organization.terms_hint")}</Text>
      <LongField label={t("organization.terms_of_use")} value={said.terms} onChange={say("terms")} id="terms-terms" />
      <TextField label={t("organization.terms_link")} value={said.terms_link} onChange={say("terms_link")} id="terms-terms-link" placeholder="https://" />
      <LongField label={t("organization.privacy")} value={said.privacy} onChange={say("privacy")} id="terms-privacy" />
      <TextField label={t("organization.privacy_link")} value={said.privacy_link} onChange={say("privacy_link")} id="terms-privacy-link" placeholder="https://" />
    </Edit>
  );
}
