"""The login dialogue as a machine: a line in, the text to send out (devices.md 1.1)."""

from soundpost.simulator.stack import Stack

USERNAME, PASSWORD = "Username: ", "Password: "


class Login:
    """`open` once the credentials were right, `closed` once the tries are used up."""

    __slots__ = ("_stack", "_user", "closed", "failures", "open")

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._user: str | None = None
        self.open = self.closed = False
        self.failures = 0

    def line(self, text: str) -> str:
        if self._user is None:
            if not text.strip():
                return USERNAME
            self._user = text.strip()
            return PASSWORD
        return self._password(text)

    def _password(self, text: str) -> str:
        stack, user = self._stack, self._user
        if user == stack.user and text == stack.password and not stack.locked:
            self.open = True
            return f"\r\n{stack.switches.prompt}"
        # A client that pushed command lines before it saw a prompt answers each prompt late by as many lines. The
        # name it types now belongs to an earlier `Username: `; taking it as one brings the two back in step.
        if stack.switches.login_resync and user != stack.user and text == stack.user:
            self._user = text
            return PASSWORD
        self._user = None
        self.failures += 1
        self.closed = self.failures >= stack.switches.login_tries
        return "" if self.closed else f"\r\n{USERNAME}"
