"""Slow questions of the form: asked beside the notebook, the newest counts, a hanging one keeps no other waiting."""

import asyncio
import threading

from widgets.setup.background import Background


def test_a_script_is_answered_at_once():
    answers, faults = [], []
    background = Background(lambda number: 1 / number, answers.append, faults.append)
    background.ask(2)
    background.ask(0)
    assert answers == [0.5]
    assert faults == ["ZeroDivisionError: division by zero"]


def test_a_kernel_is_answered_later_and_for_the_newest_question_only():
    async def scene():
        answers, threads = [], []

        def work(number):
            threads.append(threading.current_thread())
            return number

        background = Background(work, answers.append, answers.append)
        for number in range(5):
            background.ask(number)
        assert not answers
        while not answers:
            await asyncio.sleep(0.02)
        background.close()
        return answers, threads

    answers, threads = asyncio.run(scene())
    assert answers == [4]
    assert threading.main_thread() not in threads


def test_a_question_that_hangs_keeps_no_newer_one_waiting():
    async def scene():
        answers, hangs, freed = [], threading.Event(), threading.Event()

        def work(number):
            if number == 0:
                hangs.set()
                freed.wait(20)
            return number

        background = Background(work, answers.append, answers.append)
        background.ask(0)
        await asyncio.to_thread(hangs.wait, 20)
        background.ask(1)
        while not answers:
            await asyncio.sleep(0.02)
        freed.set()
        await asyncio.sleep(0.1)
        background.close()
        return answers

    assert asyncio.run(asyncio.wait_for(scene(), 15)) == [1]
