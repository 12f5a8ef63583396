"""Tryton: an ERP of free software, spoken to over its REST interface."""

from sources.canonical import System
from sources.ports import Vendor
from sources.vendors.tryton.connector import open_connector
from sources.vendors.tryton.settings import TrytonSettings

VENDOR = Vendor("tryton", System.ERP, TrytonSettings, open_connector)
