"""What is said of all polls of a stack at once is what each of them says."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from soundpost.drivers.converge_pro2.agenda import Agenda
from soundpost.drivers.converge_pro2.models import MODELS, end_points
from soundpost.drivers.converge_pro2.reading import FACTS, PROBED_VALUES, BoxRead
from soundpost.drivers.converge_pro2.replies import BoxPlink, Plink
from soundpost.transport.round import outline


def box(number: int, model: str, named: bool, refused: set[str], arrays: int) -> BoxRead:
    rows = [
        BoxPlink(f"Name_{number}", at, Plink.BMA360, "BMA360", f"BMA_{at}", f"{number}{at}00-1000-40", "1.0", True)
        for at in range(arrays)
    ]
    name, refused = (f"Name_{number}", refused) if named else ("", {*FACTS, *PROBED_VALUES})
    return BoxRead(
        number,
        name,
        f"{number}000-1000-40",
        {"MODEL": model},
        dict.fromkeys(refused, "no"),
        end_points(model) or (),
        rows,
    )


BOXES = st.lists(
    st.tuples(
        st.sampled_from(sorted(MODELS)),
        st.booleans(),
        st.sets(st.sampled_from([*PROBED_VALUES, "PLINK", "FW"])),
        st.integers(0, 3),
    ),
    max_size=3,
)


@given(BOXES)
def test_the_outline_of_an_agenda_is_that_of_its_polls(boxes: list[tuple[str, bool, set[str], int]]) -> None:
    agenda = Agenda(box(number, *each) for number, each in enumerate(boxes, 1))
    drawn, polled = agenda.outline(), outline(list(agenda))
    said = [drawn.names[number] for number in array("H", drawn.group)]
    assert [(drawn.parts[part], group) for part, group in said] == [(poll.part, poll.group) for poll in agenda]
    assert len(set(drawn.names)) == len(drawn.names) == len(polled.names)


def test_agendas_of_one_shape_share_what_is_the_same() -> None:
    first, second = (Agenda([box(1, "CONVERGE PRO 2 128", True, set(), 2)]).outline() for _ in range(2))
    assert first.names is second.names
    assert first.group is second.group
