"""The window: it counts what a plain list of events would."""

from hypothesis import given
from hypothesis import strategies as st

from sources.pipeline.window import Counted, Window

EVENTS = st.lists(st.tuples(st.floats(0, 15), st.booleans()), max_size=60)


@given(EVENTS)
def test_it_counts_what_is_younger_than_the_window_and_nothing_older(events):
    window, now, seen = Window(20.0), 1_000.0, []
    for seconds, failed in events:
        now += seconds
        window.add(now, failed)
        seen.append((now, failed))
        tick = int(now / 0.5)
        young = [failed for at, failed in seen if int(at / 0.5) > tick - 40]
        assert window.calls == len(young)
        assert window.failures == sum(young)
        assert window.calls >= sum(1 for at, _ in seen if at > now - 19.5)
        assert window.calls <= sum(1 for at, _ in seen if at > now - 20 - 1e-6)


def test_time_alone_empties_it():
    window = Window(20.0)
    for _ in range(5):
        window.add(1_000.0, True)
    window.forget(1_019.9)
    assert (window.calls, window.failures) == (5, 5)
    window.forget(1_020.0)
    assert (window.calls, window.failures) == (0, 0)


def test_clearing_forgets_everything():
    window = Window(20.0)
    window.add(1_000.0, True)
    window.clear()
    assert (window.calls, window.failures) == (0, 0)
    window.add(1_001.0, False)
    assert (window.calls, window.failures) == (1, 0)


@given(EVENTS, st.sampled_from([0.5, 3.0, 20.0]))
def test_a_shorter_while_is_counted_likewise(events, seconds):
    window, now, seen = Window(20.0), 1_000.0, []
    for pause, failed in events:
        now += pause / 10
        window.add(now, failed)
        seen.append((int(now / 0.5), failed))
    young = [(tick, failed) for tick, failed in seen if tick > int(now / 0.5) - seconds / 0.5]
    failing = [tick for tick, failed in young if failed]
    assert window.lately(seconds) == Counted(len(young), len(failing), len(set(failing)))
