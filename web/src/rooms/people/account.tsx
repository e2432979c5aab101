import { useSession } from "@/api/session";
import { Act, Choice, Facts, Halves, Notice, Line, Section, Stack, Text, useFilter, useGo, useScheme, type Scheme } from "@/ui";
import { currentLanguage, LANGUAGES, maybe, setLanguage, t, type Language } from "@/words";

export function Account() {
  const { session, signOut } = useSession();
  const { scheme, set } = useScheme();
  const [search] = useFilter();
  const go = useGo();
  const person = session.person!;
  const local = session.edition === "local_agent";
  return (
    <Stack gap={24}>
      {search.first && (
        <Notice tone="accent" id="welcome">
          <Line justify="between">
            <Text>{t("account.welcome")}</Text>
            <Act primary onClick={() => go("/", true)} id="account-continue">
              {t("account.continue")}
            </Act>
          </Line>
        </Notice>
      )}
      <Halves>
        <Section title={t("nav.my_account")} id="account">
          <Facts
            lines={[
              { name: t("first_run.name"), value: person.name || "–", id: "account-name" },
              { name: t(local ? "sign_in.name" : "sign_in.mail"), value: person.sign_in, id: "account-sign-in" },
              { name: t("field.role"), value: maybe(`role.${person.role.toLowerCase()}`, person.role), id: "account-role" },
              { name: t("field.edition"), value: t(local ? "edition.local_agent" : "edition.enterprise"), id: "account-edition" },
              { name: t("field.version"), value: session.version, id: "account-version" },
            ]}
          />
          <Line>
            <Act onClick={() => void signOut()} id="account-sign-out">
              {t("action.sign_out")}
            </Act>
          </Line>
          {local && (
            <Text dim small>
              {t("account.sign_out_local")}
            </Text>
          )}
        </Section>
        <Section title={t("account.display")}>
          <Stack gap={12} narrow>
            <Choice label={t("account.language")} id="account-language" value={currentLanguage()} onChange={(value) => void setLanguage(value as Language)} options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} />
            <Choice
              label={t("account.theme")}
              id="account-theme"
              value={scheme}
              onChange={(value) => set(value as Scheme)}
              options={[
                { value: "auto", label: t("theme.auto") },
                { value: "light", label: t("theme.light") },
                { value: "dark", label: t("theme.dark") },
              ]}
            />
          </Stack>
        </Section>
      </Halves>
    </Stack>
  );
}
