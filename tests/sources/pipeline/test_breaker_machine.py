"""The circuit breaker as a state machine: whatever happens, in whatever order, its promises hold."""

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from sources import errors
from sources.pipeline.breaker import Breaker, Transition
from sources.settings import BreakerSettings
from tests.fakes.virtual import Turned

SICK = [errors.Unavailable("x"), errors.TimedOut("x"), errors.Garbled("x"), errors.Throttled("x")]
WELL = [errors.Rejected("x"), errors.Missing("x"), errors.Unauthorised("x")]


class BreakerMachine(RuleBasedStateMachine):
    """Calls enter, end in any way and order, and time passes."""

    tickets = Bundle("tickets")

    def __init__(self):
        super().__init__()
        self.clock = Turned()
        self.settings = BreakerSettings()
        self.changes: list[Transition] = []
        self.judged = 0  # calls that have counted since the circuit was last closed
        self.opened_at = 0.0
        self.probes = 0
        self.breaker = Breaker(
            "billing", self.settings, turns=20, clock=self.clock, random=lambda: 0.4, changed=self.note_change
        )

    def note_change(self, change):
        self.changes.append(change)
        if change.state == "open":
            if change.previous == "closed":
                assert self.judged + 1 >= self.settings.calls
            self.opened_at = self.clock.now
        if change.state == "closed":
            self.judged = 0

    @rule(target=tickets)
    def enters(self):
        return self.enter()

    def enter(self):
        before = self.breaker.circuit().state
        refusal = self.breaker.refusal()
        try:
            ticket = self.breaker.enter()
        except errors.CircuitOpen:
            assert refusal is not None
            assert before != "closed"
            # Never open for longer than the longest wait without a probe, unless one is under way.
            assert self.probes or self.clock.now - self.opened_at <= self.settings.longest
            return None
        assert refusal is None
        if ticket.probe:
            assert before != "closed"
            self.probes += 1
        else:
            assert before == "closed"
        return ticket

    @rule(ticket=consumes(tickets), how=st.sampled_from(["answered", "well", "sick", "left"]), which=st.integers(0, 3))
    def ends(self, ticket, how, which):
        self.end(ticket, how, which)

    def end(self, ticket, how, which):
        if ticket is None:
            return
        self.probes -= ticket.probe
        counted = not ticket.judged and self.breaker.circuit().state == "closed"
        if how == "answered":
            self.breaker.answered(ticket)
        if how == "well":
            self.breaker.failed(ticket, WELL[which % len(WELL)])
        if how == "sick":
            self.breaker.failed(ticket, SICK[which])
        if how == "left":
            self.breaker.left(ticket)
        self.judged += counted and how != "left"

    @rule(times=st.integers(1, 12))
    def calls_fail_in_a_row(self, times):
        for _ in range(times):
            ticket = self.enter()
            self.end(ticket, "sick", 0)

    @rule(ticket=tickets)
    def becomes_slow(self, ticket):
        if ticket is None:
            return
        counted = not ticket.judged and self.breaker.circuit().state == "closed"
        self.breaker.slow(ticket)
        self.judged += counted

    @rule(seconds=st.one_of(st.floats(0, 3), st.floats(0, 60)))
    def time_passes(self, seconds):
        self.clock.turn(seconds)

    @invariant()
    def at_most_one_probe_is_under_way(self):
        assert self.probes <= 1

    @invariant()
    def it_stays_open_no_longer_than_it_may(self):
        circuit = self.breaker.circuit()
        if circuit.state == "open":
            assert circuit.retry_in is not None
            assert circuit.retry_in <= self.settings.longest

    @invariant()
    def it_never_goes_from_closed_to_half_open_nor_from_open_to_closed(self):
        moves = {(change.previous, change.state) for change in self.changes}
        assert moves <= {
            ("closed", "open"),
            ("open", "half_open"),
            ("half_open", "open"),
            ("half_open", "closed"),
        }


TestBreakerMachine = BreakerMachine.TestCase
