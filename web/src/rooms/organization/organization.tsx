import { useState } from "react";
import { hinders, useMay, useSession } from "@/api/session";
import type { OrganizationSettings, OrganizationTerms } from "@/api/types";
import { useWays } from "@/live/hooks";
import { Choice, ErrorNote, Facts, LinkButton, Loading, Notice, Section, Stack, Text, TextField, Tool, ToolBar } from "@/ui";
import { LANGUAGES, t } from "@/words";
import { Held } from "./held";
import { Mail } from "./mail";
import { Messages } from "./messages";
import { Edit, useAsked, type PartProps } from "./parts";
import { Sms } from "./sms";
import { Terms, TermsText } from "./terms";

/** An owner changes it, an administrator sees it, others see what everybody may: its name and its terms. */
export function Organization() {
  const administers = useMay("administer", true);
  return administers ? <Whole /> : <Open />;
}

function Whole() {
  const owns = useMay("own");
  const { session } = useSession();
  const { value: ways } = useWays();
  const { value: settings, error, put } = useAsked<OrganizationSettings>("/organization", ways?.settings);
  if (error && !settings) return <ErrorNote error={error} />;
  if (!settings) return <Loading rows={8} />;
  const props: PartProps = { settings, locked: owns ? null : t("organization.owners_only"), onChanged: put };
  return (
    <Stack gap={24}>
      {!owns && (
        <Notice id="organization-locked">
          <Text>{t("organization.owners_only")}</Text>
        </Notice>
      )}
      <Held n={(ways?.mail ?? settings.mail_way).held + (ways?.sms ?? settings.sms_way).held} locked={props.locked} />
      <About {...props} />
      <Mail {...props} way={ways?.mail ?? settings.mail_way} self={session.person?.sign_in ?? ""} />
      <Sms {...props} way={ways?.sms ?? settings.sms_way} />
      <Terms {...props} />
      <Messages locked={props.locked} stamp={ways?.queue} />
    </Stack>
  );
}

function Open() {
  const { session } = useSession();
  const { value: terms, error } = useAsked<OrganizationTerms>("/organization/terms", 0);
  if (error) return <ErrorNote error={error} />;
  if (!terms) return <Loading rows={4} />;
  return (
    <Stack gap={24}>
      <Notice id="organization-locked">
        <Text>{t(hinders(session, "administer") === "part" ? "organization.whole_sees" : "organization.administrators_only")}</Text>
      </Notice>
      <Section title={t("organization.about")}>
        <Facts lines={[{ name: t("field.name"), value: terms.organization || "–" }]} />
      </Section>
      <Section title={t("organization.terms")}>
        <TermsText terms={terms} />
      </Section>
    </Stack>
  );
}

function About({ settings, locked, onChanged }: PartProps) {
  const [open, setOpen] = useState(false);
  return (
    <Section title={t("organization.about")} id="organization-about">
      <ToolBar label={t("organization.about")}>
        <Tool name={t("action.change")} onClick={() => setOpen(true)} reason={locked} id="about" />
      </ToolBar>
      <Facts
        lines={[
          { name: t("field.name"), value: settings.name || "–", id: "organization-name" },
          {
            name: t("organization.address"),
            value: settings.address ?? "–",
            note: settings.address ? (settings.address_entered ? undefined : t("organization.address_given")) : t("organization.address_missing"),
            id: "organization-address",
          },
          { name: t("organization.language"), value: LANGUAGES[settings.language] },
        ]}
      />
      {open && <Change settings={settings} onChanged={onChanged} onClose={() => setOpen(false)} />}
    </Section>
  );
}

function Change({ settings, onChanged, onClose }: Omit<PartProps, "locked"> & { onClose: () => void }) {
  const here = window.location.origin;
  const [name, setName] = useState(settings.name);
  const [address, setAddress] = useState(settings.address ?? here);
  const [language, setLanguage] = useState<string>(settings.language);
  const known = { name: settings.name, language: settings.language, ...(settings.address_entered ? { address: settings.address ?? "" } : {}) };
  return (
    <Edit title={t("organization.about")} id="about" wide body={() => ({ name, address: address.trim(), language })} known={known} onChanged={onChanged} onClose={onClose}>
      <TextField label={t("field.name")} hint={t("organization.name_hint")} value={name} onChange={setName} id="about-name" autoFocus />
      <TextField label={t("organization.address")} hint={t("organization.address_hint")} value={address} onChange={setAddress} id="about-address" placeholder={here} />
      {/^https?:\/\/(localhost|127\.|\[::1\])/.test(address) && (
        <Notice tone="degraded" id="about-loopback">
          <Text>{t("organization.loopback")}</Text>
        </Notice>
      )}
      {address !== here && (
        <LinkButton onClick={() => setAddress(here)} id="about-here" roomy>
          {t("organization.use_here", { address: here })}
        </LinkButton>
      )}
      <Choice label={t("organization.language")} hint={t("organization.language_hint")} value={language} onChange={setLanguage} options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} id="about-language" />
    </Edit>
  );
}
